"""Tells systemd how the worker is: sd_notify in a few lines, silent where no systemd asks for it."""

import os
import socket
from contextlib import suppress


def tell(state: str) -> None:
    """Send `READY=1`, `WATCHDOG=1` or `STOPPING=1` to the socket that NOTIFY_SOCKET names, if it names one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] in {"/", "@"}:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def watchdog_s() -> float | None:
    """Return within how many seconds systemd wants a sign of life, if it watches this process."""
    given, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    return int(given) / 1e6 if given.isdecimal() and int(given) and pid in {"", str(os.getpid())} else None
