"""A network for trials: a name server that may lie or hang, certificates that may not hold, clients that meet them."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from batchctl.gateways.http import ThreadedHttp

CERTIFICATES = Path(__file__).with_name("certificates")
HOST = "hooks.example.test"
"""The name for which the certificates are made, and under which servers of trials are known."""
STRANGER_PEM = CERTIFICATES / "stranger.pem"
"""For this name, by an authority that nobody trusts."""
EXPIRED_PEM = CERTIFICATES / "expired.pem"
"""For this name, until 2020-02-01, by an authority that clients of trials trust."""
ELSEWHERE_PEM = CERTIFICATES / "elsewhere.pem"
"""For another name, by an authority that clients of trials trust."""
AUTHORITIES_PEM = CERTIFICATES / "authorities.pem"
"""The authorities that clients of trials trust: all but that of the stranger."""
LOOPBACK = "127.0.0.1"


class Names:
    """A name server for all names at once."""

    def __init__(self, *addresses: str) -> None:
        """Answer with these addresses."""
        self.answer: Sequence[str] | Exception = addresses

    def __call__(self, _host: str, _port: int, _timeout_s: float) -> Sequence[str]:
        """Answer a look-up (see `batchctl.gateways.resolver.Resolve`)."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def showing(pem: Path) -> ssl.SSLContext:
    """Return the context of a server that shows this certificate; `load_cert_chain` makes it show another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@contextmanager
def client(places: int, names: Names) -> Iterator[ThreadedHttp]:
    """Give a client that asks this name server and trusts the authorities of trials."""
    with closing(ThreadedHttp(places, resolve=names, ca_file=str(AUTHORITIES_PEM))) as http:
        yield http


def port_of(base_url: str) -> int:
    """Return the port of a server's address."""
    return int(base_url.rpartition(":")[2])
