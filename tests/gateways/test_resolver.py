"""Name look-ups that hang: they end in time, hold up no others, and cost one thread per name."""

import socket
import threading
from collections.abc import Iterator

import pytest

from batchctl.gateways.resolver import Resolver

from .exchanges import PATIENCE_S


class SystemResolver:
    """Stands in for getaddrinfo: the name hangs.test waits until it is released."""

    def __init__(self) -> None:
        """Hang until released."""
        self.released = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        """Answer with one address twice, as getaddrinfo may."""
        self.asked.append(host)
        if host == "hangs.test":
            self.released.wait(PATIENCE_S)
        if host == "unknown.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, 0, 0, "", (address, port)) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemResolver]:
    """Put the stand-in in the system's place."""
    stand_in = SystemResolver()
    monkeypatch.setattr(socket, "getaddrinfo", stand_in)
    yield stand_in
    stand_in.released.set()


def test_addresses_come_once_each_and_in_order(system: SystemResolver) -> None:
    """All addresses are returned; a later look-up asks again, for an answer may have changed."""
    resolve = Resolver()
    assert resolve("fine.test", 443, PATIENCE_S) == ["192.0.2.1", "192.0.2.2"]
    assert resolve("fine.test", 443, PATIENCE_S) == ["192.0.2.1", "192.0.2.2"]
    assert system.asked == ["fine.test", "fine.test"]


def test_failure_reaches_the_caller(system: SystemResolver) -> None:
    """The system's error is raised where the answer is waited for."""
    with pytest.raises(socket.gaierror):
        Resolver()("unknown.test", 443, PATIENCE_S)
    assert system.asked == ["unknown.test"]


def test_name_that_hangs_holds_up_no_other_and_costs_one_thread(system: SystemResolver) -> None:
    """Ten look-ups of a dead name time out on one thread while another name is answered."""
    resolve = Resolver()
    threads = threading.active_count()
    for _ in range(10):
        with pytest.raises(TimeoutError):
            resolve("hangs.test", 443, 0.01)
    assert resolve("fine.test", 443, PATIENCE_S) == ["192.0.2.1", "192.0.2.2"]
    assert threading.active_count() <= threads + 1
    assert system.asked == ["hangs.test", "fine.test"]


def test_name_that_came_back_is_asked_again(system: SystemResolver) -> None:
    """Once the hanging look-up has ended, the name is free for the next."""
    resolve = Resolver()
    with pytest.raises(TimeoutError):
        resolve("hangs.test", 443, 0.01)
    system.released.set()
    assert resolve("hangs.test", 443, PATIENCE_S) == ["192.0.2.1", "192.0.2.2"]
    assert resolve("hangs.test", 443, PATIENCE_S) == ["192.0.2.1", "192.0.2.2"]
