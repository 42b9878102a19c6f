"""What a customer's receiver may do wrong, and what its first try comes to.

The table follows the contract (§5) where earlier expectations differ: a 410 ends that delivery and no other, and a try
that nobody recorded is made again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import Fault, fault_named, http_status

INTERNAL = "127.0.0.2"
"""The address of a receiver that no redirect may lead to."""
TIMEOUT_MS = 500
"""ENTERPRISE_WEBHOOK_TIMEOUT_MS in trials that do not name another one."""
SLACK_MS = 1000
"""So much longer a try may seem to take on a machine that is busy with other things."""
HOUR_S = 3600.0
FIRST_SLOW_WAIT_S = (240.0, 360.0)
"""5 min ± 20 %: the wait after a failed try when no quick ones are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverFault:
    """A fault, and what a try comes to that meets it."""

    fault: Fault
    status: int | None = None
    """The status code of the try; None: no answer was read."""
    error: str | None = None
    """How the error of the try begins; None: it is delivered."""
    ends: bool = False
    """Whether the delivery has failed for good."""
    wait_s: tuple[float, float] = FIRST_SLOW_WAIT_S
    """The least and the longest wait before the next try."""
    duration_ms: tuple[int, int] = (0, TIMEOUT_MS + SLACK_MS)

    @property
    def delivers(self) -> bool:
        """Whether the first try is the last, and good."""
        return self.error is None


Faults = dict[str, ReceiverFault]


def _by_status() -> Faults:
    good = {status: ReceiverFault(fault=http_status(status), status=status) for status in (200, 202, 204, 299)}
    bad = {
        status: ReceiverFault(fault=http_status(status), status=status, error=f"HTTP {status}")
        for status in (300, 304, 400, 401, 404, 408, 409, 429, 500, 501, 503, 599)
    }
    return {str(status): fault for status, fault in (good | bad).items()} | {
        "199": _late(http_status(199)),
        "410": ReceiverFault(fault=http_status(410), status=410, error="the receiver answered 410", ends=True),
    }


def _late(fault: Fault) -> ReceiverFault:
    """Return a fault whose try ends at its deadline, and no later."""
    return ReceiverFault(fault=fault, error="TIMEOUT", duration_ms=(TIMEOUT_MS, TIMEOUT_MS + SLACK_MS))


def redirects(internal: str, elsewhere: str) -> Faults:
    """Return redirects to an internal address and to another path of the receiver itself."""
    return {
        f"{status} to {name}": ReceiverFault(
            fault=http_status(status, location=location), status=status, error=f"HTTP {status}"
        )
        for status in (301, 302, 303, 307, 308)
        for name, location in (("an internal address", internal), ("elsewhere", elsewhere))
    }


def _by_retry_after() -> Faults:
    said = {
        "seconds": ("1800", (1800.0, 1800.0)),
        "less than the wait": ("1", FIRST_SLOW_WAIT_S),
        "a date": ("Fri, 31 Dec 2199 23:59:59 GMT", (HOUR_S, HOUR_S)),
        "ten years": ("315360000", (HOUR_S, HOUR_S)),
        "garbage": ("tomorrow", FIRST_SLOW_WAIT_S),
    }
    return {
        f"{status}, Retry-After {name}": ReceiverFault(
            fault=http_status(status, retry_after=text), status=status, error=f"HTTP {status}", wait_s=wait_s
        )
        for status in (429, 503)
        for name, (text, wait_s) in said.items()
    }


def _lost_answers() -> Faults:
    """Return faults after which the receiver has the event, and we do not know."""
    reset = {
        word: ReceiverFault(fault=fault_named(word), error="RESET") for word in ("reset", "close", "cut", "headers")
    }
    return reset | {word: _late(fault_named(word)) for word in ("hang", "stall", "drip")}


def _without_measure() -> Faults:
    return {
        "1 GiB": ReceiverFault(fault=fault_named("huge"), status=200),
        "gzip bomb": ReceiverFault(fault=fault_named("gzip_bomb"), status=200),
        "left without a word": ReceiverFault(fault=fault_named("leave"), status=200),
        "just in time": ReceiverFault(fault=Answer(latency_s=0.6 * TIMEOUT_MS / 1000), status=200),
        "just too late": _late(Answer(latency_s=1.2 * TIMEOUT_MS / 1000)),
    }


FAMILIES: dict[str, Callable[[], Faults]] = {
    "statuses": _by_status,
    "rate limits": _by_retry_after,
    "answers that are lost": _lost_answers,
    "answers without measure, and too slow": _without_measure,
}
"""The table; the faults of a family can be met side by side without one changing what becomes of another."""
