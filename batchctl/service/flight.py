"""Keeps requests in flight: takes work as places become free, and records answers in groups as they arrive.

A place is free again when its answer is committed, and work is claimed only for free places. So whenever the process is
killed, what is in doubt is what was in flight, and nothing that merely waited.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from batchctl.domain.problem import Problem
from batchctl.domain.report import Finding
from batchctl.domain.wire import Http, Landed, Request

LINGER_MAX_S = 0.05
LINGER_SHARE = 0.02
"""A group of answers waits for more at most 50 ms or 2 % of the other side's median latency (design §3)."""
LOOK_UP_S = 0.2
"""How often a flight looks up from waiting, to notice that it should stop."""


def fly(
    http: Http,
    *,
    take: Callable[[int], Sequence[Request]],
    land: Callable[[Sequence[Landed]], None],
    is_spent: Callable[[], bool],
    ask_again_s: float | None = None,
) -> None:
    """Run until nothing is in flight and `take` has nothing more, or until `is_spent` and all has landed.

    `take(free)` claims work for at most `free` requests and returns them; `land(group)` records answers. After an empty
    take the next one follows a landing, or `ask_again_s` seconds if that is given. When one of the two fails, nothing
    more is taken, what is in flight still lands, for its answers are worth money, and the first error is raised then.
    """
    in_flight = 0
    waiting: list[Landed] = []
    waiting_until_s = 0.0
    next_take_s = 0.0
    latencies_s: deque[float] = deque([0.0], maxlen=100)
    errors: list[Exception] = []
    while True:
        free = http.places - in_flight - len(waiting)
        if free > 0 and not errors and time.monotonic() >= next_take_s and not is_spent():
            requests: Sequence[Request] = ()
            with _kept(errors):
                requests = take(free)
                http.send(requests)
                in_flight += len(requests)
            if not requests:
                next_take_s = float("inf") if ask_again_s is None else time.monotonic() + ask_again_s
        if not in_flight and not waiting:
            break
        wait_s = max(waiting_until_s - time.monotonic(), 0.0) if waiting else LOOK_UP_S
        landed = http.collect(wait_s)
        if landed and not waiting:
            waiting_until_s = time.monotonic() + min(LINGER_MAX_S, LINGER_SHARE * median(latencies_s))
        in_flight -= len(landed)
        waiting += landed
        latencies_s.extend(answer.duration_ms / 1000 for answer in landed)
        half_wait = 2 * len(waiting) >= http.places
        if waiting and (not in_flight or half_wait or time.monotonic() >= waiting_until_s):
            with _kept(errors):
                land(waiting)
            waiting = []
            next_take_s = 0.0
    if errors:
        raise errors[0]


def told(run: Callable[[], None]) -> tuple[Finding, ...]:
    """Run flights; a problem on the way becomes a finding, so that what was done before it is reported all the same."""
    try:
        run()
    except Problem as problem:
        return (Finding(message=problem.in_a_pass, exit_code=problem.exit_code),)
    return ()


@contextmanager
def _kept(errors: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again as soon as nothing is in flight
        errors.append(error)
