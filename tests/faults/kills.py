"""Trials in which workers are killed: at each failpoint, at random moments, while they stop."""

import signal
import threading
from collections.abc import Set as AbstractSet
from random import Random
from uuid import UUID

from batchctl.domain.limits import OrphanPolicy
from batchctl.failpoint import VARIABLE, Failpoint
from tests.faults.crew import end_sessions, enqueue_at_random, start_busy
from tests.faults.criterion import assert_whole, forgive_tries, in_doubt
from tests.faults.ground import PLACES, Ground, lend_clock, take_clock_back
from tests.faults.scene import ORPHAN_S, STAGES, prepare
from tests.faults.trial import Kinds
from tests.scenario import Company

WORKERS = (1, 2, 4)
_STAGES = {
    "dispatch": ("claim", "refuse", "close", "rescue", "submit", "http"),
    "poll": ("expire", "poll", "look", "http"),
    "settle": ("adopt", "settle"),
    "webhook deliver": ("deliver", "http"),
    "run-once": ("db",),
}
CASES = [(point, stage) for stage in STAGES for point in Failpoint if point.partition(".")[0] in _STAGES[stage]]
"""Each point with the stages in which a worker comes by it; those of signals have a trial of their own."""
SENDING = [(point, stage) for point, stage in CASES if point.startswith(("submit.", "http.")) and stage == "dispatch"]
"""Those at which the outcome of a submission may become unknown."""
STOPS = (Failpoint.SIGNAL_FIRST, Failpoint.SIGNAL_SECOND)


def kill_at(
    ground: Ground,
    point: Failpoint,
    stage: str,
    workers: int,
    *,
    nth: int = 1,
    policy: OrphanPolicy = OrphanPolicy.FAIL,
) -> int:
    """Kill each of some workers when it comes by a point for the n-th time; return how many were killed."""
    with ground.company() as company:
        scene = prepare(company, stage)
        company.limit(orphan_policy=policy)
        lend_clock(company)
        settings = {VARIABLE: f"{point}:{nth}:kill", "BATCH_ORPHAN_POLICY": policy.value}
        crew = [ground.start(company, *stage.split(), **settings) for _ in range(workers)]
        codes = [worker.wait() for worker in crew]
        assert {*codes} <= {-signal.SIGKILL, 0}, [worker.said.read_text() for worker in crew]
        killed = codes.count(-signal.SIGKILL)
        _heal(company, killed, scene.orphans)
    return killed


def kill_while_stopping(ground: Ground, point: Failpoint) -> int:
    """Kill a worker at its first or its second signal, with requests in flight."""
    with ground.company() as company:
        prompts = [f"clip {n} of {company.customer()} [sim: submit_latency=0.2]" for n in range(3 * PLACES)]
        company.enqueue(company.customer(permanent=1000), prompts)
        lend_clock(company)
        in_flight = threading.Event()
        company.when_asked = lambda _: in_flight.set()
        worker = ground.start(company, "run-once", **{VARIABLE: f"{point}:1:kill"})
        assert in_flight.wait(10)
        worker.signal(signal.SIGTERM)
        if point is Failpoint.SIGNAL_SECOND:
            worker.signal(signal.SIGINT)
        assert worker.wait() == -signal.SIGKILL
        _heal(company, 1)
    return 1


def stop_at_random(ground: Ground, seed: int) -> int:
    """Tell a busy worker to stop: it sends nothing new, records what is in flight, and ends as it should."""
    chance = Random(seed)
    with ground.company() as company:
        latency = chance.choice(("0.01", "0.1", "0.5"))
        prompts = [f"clip {n} of {company.customer()} [sim: latency={latency}]" for n in range(10 * PLACES)]
        company.enqueue(company.customer(permanent=1000), prompts)
        lend_clock(company)
        asked, moment = threading.Event(), chance.randint(1, 5 * PLACES)

        def note(_: object) -> None:
            if len(company.provider.journal.entries) + 1 >= moment:
                asked.set()

        company.when_asked = note
        worker = ground.start(company, "run-once")
        assert asked.wait(10)
        number = chance.choice((signal.SIGTERM, signal.SIGINT))
        worker.signal(number)
        sent = len(company.provider.journal.submissions)
        assert worker.wait(10) == 128 + number
        assert len(company.provider.journal.submissions) <= sent + 2 * PLACES
        assert in_doubt(company) == set()
        company.limit(max_start_per_batch=1000, max_poll=1000)
        _heal(company, 0)
    return 1


def kill_among_many(ground: Ground, tasks: int) -> int:
    """Kill a worker that has much to do: in doubt is what was in flight, and nothing that waited."""
    with ground.company() as company:
        user_id = company.customer(permanent=tasks)
        company.enqueue(user_id, [f"clip {n} of {user_id} [sim: latency=0.01]" for n in range(tasks)], cost=1)
        lend_clock(company)
        worker = ground.start(company, "dispatch")

        def kill_when_busy(_: object) -> None:
            if len(company.provider.journal.submissions) == 50:
                worker.signal(signal.SIGKILL)

        company.when_asked = kill_when_busy
        assert worker.wait() == -signal.SIGKILL
        company.when_asked = lambda _: None
        company.limit(max_start_per_batch=tasks, max_poll=tasks)
        _heal(company, 1)
    return 1


def kill_at_random(ground: Ground, seed: int, *, tasks: int, kills: int, workers: int = 4) -> int:
    """Kill one of some workers now and then, and start another one in its place."""
    chance = Random(seed)
    with ground.company() as company:
        enqueue_at_random(company, chance, tasks)
        lend_clock(company)
        crew = [start_busy(ground, company) for _ in range(workers)]
        for left in reversed(range(kills)):
            threading.Event().wait(chance.uniform(0.02, 0.4))
            victim = crew.pop(chance.randrange(len(crew)))
            victim.signal(signal.SIGKILL)
            assert victim.wait() == -signal.SIGKILL
            if left >= workers:
                crew.append(start_busy(ground, company))
        company.limit(max_start_per_batch=tasks, max_poll=tasks)
        _heal(company, kills)
    return kills


def _heal(company: Company, killed: int, orphans: AbstractSet[UUID] = frozenset()) -> None:
    """Bury the dead, let later passes finish the work, and judge."""
    end_sessions(company)
    take_clock_back(company)
    company.clock.advance(ORPHAN_S)
    doubtful = in_doubt(company)
    assert len(doubtful - orphans) <= PLACES * killed, "more in doubt than was in flight"
    forgive_tries(company)
    company.run_until_quiet()
    if company.world.limits.orphan_policy is OrphanPolicy.RESUBMIT:
        # Once more at most: those that were in doubt before this trial's kill have had their turn.
        assert_whole(company, doubtful & orphans, bought_again=doubtful | orphans)
    else:
        assert_whole(company, doubtful | orphans)


def _kill_by_number(ground: Ground, seed: int) -> int:
    """Go through cases and numbers of workers; then for the second time that a point is reached, then for the third."""
    every = [(point, stage, workers) for point, stage in CASES for workers in WORKERS]
    point, stage, workers = every[seed % len(every)]
    return kill_at(ground, point, stage, workers, nth=1 + seed // len(every) % 3)


KINDS: Kinds = {
    "kill at a point": _kill_by_number,
    "kill, then resubmit": lambda ground, seed: kill_at(
        ground, *SENDING[seed % len(SENDING)], WORKERS[seed % len(WORKERS)], policy=OrphanPolicy.RESUBMIT
    ),
    "kill while stopping": lambda ground, seed: kill_while_stopping(ground, STOPS[seed % len(STOPS)]),
    "kill among 1000 tasks": lambda ground, _: kill_among_many(ground, 1000),
    "kill at random": lambda ground, seed: kill_at_random(ground, seed, tasks=200, kills=12),
    "stop at random": stop_at_random,
}
