"""A door on this machine that nobody may knock at: a listener on all addresses that counts who came."""

import socket
from typing import Self


class Door:
    """Listens on every address of this machine and counts connections; the system accepts them, nobody answers."""

    def __init__(self) -> None:
        """Listen at once."""
        if socket.has_dualstack_ipv6():
            self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
        else:
            self._listener = socket.create_server(("0.0.0.0", 0), backlog=512)  # noqa: S104 - see the class
        self._listener.settimeout(5)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def knocks(self) -> int:
        """Count who has come since the last count; our own knock, which comes last, proves that the door is open."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as own:
            name, knocks = own.getsockname()[1], 0
            while True:
                visitor, address = self._listener.accept()
                visitor.close()
                if address[1] == name:
                    return knocks
                knocks += 1

    def __enter__(self) -> Self:
        """Stand open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._listener.close()
