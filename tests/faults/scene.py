"""Scenes for trials: a company before a stage, with every kind of row that this stage meets in its life."""

from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from batchctl import failpoint
from batchctl.failpoint import Failpoint, FailpointError
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.world import start_pass
from tests.faults.criterion import in_doubt
from tests.scenario import Company

ORPHAN_S = 301
"""Past BATCH_CLAIM_TIMEOUT_SECONDS."""
LOOK_S = 601
"""Past the wait before the first look at a task that a limit failed."""
STAGES = ("dispatch", "poll", "settle", "webhook deliver", "run-once")
"""The commands of the stages in their order, and that of all of them."""


@dataclass(slots=True)
class Scene:
    """What is on the stage before the worker enters."""

    orphans: set[UUID] = field(default_factory=set[UUID])
    """Tasks of a worker that died earlier: their outcome is unknown whatever happens now."""


def prepare(company: Company, stage: str) -> Scene:
    """Bring a fresh company to just before `stage`, by its own passes."""
    scene = Scene()
    if stage in {"dispatch", "run-once"}:
        scene.orphans = _leave_orphans(company)
    if stage in {"poll", "run-once"}:
        _leave_past_a_limit(company)
    if stage in {"settle", "run-once"}:
        _leave_to_adopt(company)
    _enqueue(company)
    for done in ("dispatch", "poll", "settle"):
        if stage in {done, "run-once"}:
            break
        _run(company, done)
    return scene


def _run(company: Company, stage: str) -> None:
    world, budget = company.world, start_pass(company.world, None)
    match stage:
        case "dispatch":
            dispatch(world, budget)
        case "poll":
            poll(world, budget)
        case _:
            settle(world)
    company.sql("update video_tasks set next_poll_at = null where next_poll_at is not null")
    company.clock.advance(0.001)


def _enqueue(company: Company) -> None:
    """Enqueue what is paid from each bucket, what cannot be paid, and what is malformed."""
    for words in ("fail=error", "", "submit=503 submit_times=1"):
        user_id = company.customer(permanent=20, bonus=30)
        company.enqueue(user_id, [f"clip {n} of {user_id} [sim: {words if n == 0 else ''}]" for n in range(5)])
    company.enqueue(company.customer(permanent=5), [f"refused {company.customer()}"])
    company.enqueue(company.customer(permanent=50), [f"refused {company.customer()}"] * 2, total=1)


def _leave_orphans(company: Company) -> set[UUID]:
    """Claim two tasks for sending, and have nobody send them."""
    user_id = company.customer(permanent=20)
    company.enqueue(user_id, [f"orphan {n} of {user_id}" for n in range(2)])
    failpoint.arm(f"{Failpoint.SUBMIT_AFTER_INTENT}:1:raise")
    with suppress(FailpointError):
        _run(company, "dispatch")
    company.clock.advance(ORPHAN_S)
    return in_doubt(company)


def _leave_past_a_limit(company: Company) -> None:
    """Leave a task that a limit failed a while ago, to be looked at now, and one that is past that limit now."""
    for is_failed in (True, False):
        user_id = company.customer(permanent=10)
        company.enqueue(user_id, [f"expires {user_id}"])
        _run(company, "dispatch")
        company.sql("update video_tasks set poll_count = 20 where status = 'processing'")
        if is_failed:
            _run(company, "poll")
            _run(company, "settle")
            company.clock.advance(LOOK_S)


def _leave_to_adopt(company: Company) -> None:
    """Leave a batch as a worker of the original may: claimed, and not paid for."""
    user_id = company.customer(permanent=10)
    batch_id = company.enqueue(user_id, [f"adopted {user_id}"])
    company.sql("update batch_jobs set status = 'processing' where id = %s", batch_id)
    company.clock.advance(ORPHAN_S)
