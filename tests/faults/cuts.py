"""Trials in which connections to the database break (at a commit, at a byte, at a failpoint) or fall silent."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random

from batchctl import failpoint
from batchctl.db import Database
from batchctl.failpoint import Failpoint, FailpointError
from tests.faults.crew import END_S, await_first_passes, await_so, enqueue_at_random, start_busy, stop
from tests.faults.criterion import UNKNOWN, assert_whole, forgive_tries
from tests.faults.ground import Ground, lend_clock, take_clock_back
from tests.faults.proxy import AtByte, AtCommit, Proxy, Way
from tests.faults.scene import ORPHAN_S, Scene, prepare
from tests.faults.trial import Kinds
from tests.scenario import Company

STRIKES = [
    (point, action)
    for point in Failpoint
    for action in ("raise", "cut", "cut=reply")
    if not point.startswith("signal.") and point is not Failpoint.DB_BEFORE_CONNECT
    if action == "raise" or point.endswith((".before_intent", ".before_commit", ".after_send", ".answer_begun"))
]
"""What a worker may meet at each point that it comes by in a pass; only where a connection is in use can one be cut."""
SEVERAL = 4
"""Cuts in one life."""
LIFE_BYTES = {Way.TO_SERVER: 140_000, Way.TO_CLIENT: 36_000}
"""What a life sends in each direction, about."""


def cut_at_commit(ground: Ground, number: int, *, reaches_server: bool) -> int:
    """Cut the connection at a commit of a whole life, counted from 0 and round and round."""
    with ground.company() as company:
        whole = prepare(company, "run-once")
        with _through_proxy(company) as proxy:
            _live_on(company, whole)
            nth = 1 + number % proxy.commits
            scene = prepare(company, "run-once")
            proxy.strike(AtCommit(nth=nth, reaches_server=reaches_server))
            _live_on(company, Scene(orphans=whole.orphans | scene.orphans))
            return proxy.cuts


def cut_before_each_reply(ground: Ground) -> int:
    """Lose the answer to each commit of a plain batch's life, each time in another life; return how many there are."""
    with ground.company() as company, _through_proxy(company) as proxy:
        for nth in count(1):
            user_id = company.customer(permanent=20)
            company.enqueue(user_id, [f"clip of {user_id}", f"clip of {user_id} [sim: fail=error]"])
            proxy.strike(AtCommit(nth=nth, reaches_server=True))
            _live_on(company, Scene())
            if proxy.cuts < nth:
                return nth - 1
    raise AssertionError  # lives have an end


def cut_at_byte(ground: Ground, seed: int) -> int:
    """Cut the connection some times at random bytes of a life."""
    chance = Random(seed)
    with ground.company() as company:
        scene = prepare(company, "run-once")
        with _through_proxy(company) as proxy:
            for _ in range(SEVERAL):
                way = chance.choice([*Way])
                proxy.strike(AtByte(position=chance.randrange(LIFE_BYTES[way] // SEVERAL), way=way))
                company.run_pass()
                company.clock.advance(31)
            proxy.strike(None)
            _live_on(company, scene)
            return proxy.cuts


def cut_among_processes(ground: Ground, seed: int, *, tasks: int, cuts: int, workers: int = 2) -> int:
    """Cut connections of busy worker processes at random bytes: they go on, and nothing is in doubt."""
    chance = Random(seed)
    with ground.company() as company, Proxy(company.dsn) as proxy:
        enqueue_at_random(company, chance, tasks)
        lend_clock(company)
        direct, company.dsn = company.dsn, proxy.dsn
        crew = [start_busy(ground, company) for _ in range(workers)]
        await_first_passes(company, crew)
        company.dsn = direct
        for number in range(1, cuts + 1):
            proxy.strike(AtByte(position=chance.randrange(1, 20_000), way=chance.choice([*Way])))
            await_so(partial(_is_past, company, proxy, number), END_S, crew)
        proxy.strike(None)
        await_so(lambda: not company.is_open(), END_S, crew)
        stop(crew)
        take_clock_back(company)
        forgive_tries(company)
        assert_whole(company)
        return proxy.cuts


def cut_at_request(ground: Ground, seed: int) -> int:
    """Cut the connection while it is idle: when the provider or a receiver has been asked, and not answered yet."""
    chance = Random(seed)
    with ground.company() as company:
        scene = prepare(company, "run-once")
        with _through_proxy(company) as proxy:
            cuts = 0

            def cut_now_and_then(_: object) -> None:
                nonlocal cuts
                if cuts < SEVERAL and chance.random() < 0.2:
                    cuts += 1
                    proxy.cut_all()

            company.when_asked = company.when_told = cut_now_and_then
            _live_on(company, scene)
            return cuts


def strike_at(ground: Ground, point: Failpoint, action: str) -> int:
    """Cut the connection, or break down, when a worker comes by a point."""
    with ground.company() as company:
        scene = prepare(company, "run-once")
        failpoint.arm(f"{point}:1:{action}")
        try:
            for _ in range(2):
                with suppress(FailpointError):
                    company.run_pass()
                company.clock.advance(31)
            assert point not in failpoint.still_armed()
        finally:
            failpoint.arm("")
        company.clock.advance(ORPHAN_S)
        _live_on(company, scene, is_doubtful=action == "raise" or point.startswith("http."))
    return 1


def hang(ground: Ground, *, is_patient: bool) -> int:
    """Let the database fall silent under a busy worker, and tell that to stop: it ends all the same."""
    with ground.company() as company, Proxy(company.dsn) as proxy:
        company.enqueue(company.customer(permanent=100), [f"clip {n} of {company.customer()}" for n in range(10)])
        lend_clock(company)
        asked = threading.Event()

        def fall_silent(_: object) -> None:
            proxy.fall_silent()
            asked.set()

        company.when_asked = fall_silent
        direct, company.dsn = company.dsn, proxy.dsn
        worker = ground.start(company, "run-once")
        company.dsn = direct
        assert asked.wait(10)
        worker.signal(signal.SIGTERM)
        if not is_patient:
            worker.signal(signal.SIGINT)  # Two of one kind may arrive as one.
        assert worker.wait(11 if is_patient else 5) in ({143} if is_patient else {130, 143})
        company.when_asked = lambda _: None
        proxy.cut_all()
        take_clock_back(company)
        company.clock.advance(ORPHAN_S)
        _live_on(company, Scene(), is_doubtful=True)
    return 1


def _is_past(company: Company, proxy: Proxy, cuts: int) -> bool:
    return proxy.cuts >= cuts or not company.is_open()


@contextmanager
def _through_proxy(company: Company) -> Iterator[Proxy]:
    """Have the company's own worker reach the database through a proxy."""
    direct = company.world
    with Proxy(company.dsn) as proxy, closing(Database(proxy.dsn, company.clock.sleep)) as db:
        company.world = replace(direct, db=db)
        yield proxy
    company.world = direct


def _live_on(company: Company, scene: Scene, *, is_doubtful: bool = False) -> None:
    """Run passes until all has ended, and judge; only `is_doubtful` lets tasks fail because nobody knows."""
    company.run_until_quiet()
    forgive_tries(company)
    unknown = {row.id for row in company.sql("select id from video_tasks where error_message = %s", UNKNOWN)}
    assert_whole(company, unknown if is_doubtful else scene.orphans)


KINDS: Kinds = {
    "cut at a commit": lambda ground, seed: cut_at_commit(ground, seed // 2, reaches_server=seed % 2 == 0),
    "cut at a byte": cut_at_byte,
    "cut while asking": cut_at_request,
    "cut among processes": lambda ground, seed: cut_among_processes(ground, seed, tasks=60, cuts=10),
    "strike at a point": lambda ground, seed: strike_at(ground, *STRIKES[seed % len(STRIKES)]),
    "silent database": lambda ground, seed: hang(ground, is_patient=seed % 10 == 0),
}
