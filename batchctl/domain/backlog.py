"""How far behind the work is, what stands still and who has stopped it, and how each of that is judged."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchctl.domain.doctor import Diagnosis, Level, age_of
from batchctl.domain.pause import Pause, Stage

LATE_AFTER = timedelta(minutes=5)
"""Work that is due for longer is not being done: cron starts a pass each minute."""
QUEUED_AFTER = timedelta(minutes=15)
"""A queued batch may wait for its turn (MAX_CLAIM in a pass); for longer it is worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Since when the oldest of each kind of work is due, and what stands still."""

    claim_due_since: datetime | None
    start_due_since: datetime | None
    """Of tasks that could be sent; None while any task is in flight, for then the others may have to wait for it."""
    poll_due_since: datetime | None
    settle_due_since: datetime | None
    delivery_due_since: datetime | None
    overdue_count: int
    orphan_count: int
    held_batch_count: int
    held_task_count: int
    unsigned_count: int
    last_run_at: datetime | None
    last_exit_code: int | None


def judge_pauses(pauses: Iterable[Pause], now: datetime) -> Iterator[Diagnosis]:
    """Name each stage that somebody has stopped, and the command that lets it go on."""
    for one in pauses:
        found = f"{one.stage} is paused by {one.by} since {age_of(now - one.paused_at)}: {one.reason}"
        advice = f"`batchctl resume {one.stage}` when that is over"
        yield Diagnosis(check="paused", level=Level.WARN, found=found, advice=advice)


def judge_backlog(backlog: Backlog, now: datetime, paused: AbstractSet[Stage] = frozenset()) -> Iterator[Diagnosis]:
    """Judge by age, not by number: what is due for long is not being done. That of a paused stage is to wait."""
    dispatch, poll, settle, webhook = Stage
    kinds = (
        ("queue", backlog.claim_due_since, QUEUED_AFTER, "a batch waits to be claimed, or to be ended,", dispatch),
        ("starts", backlog.start_due_since, LATE_AFTER, "nothing is in flight, and a task waits to be sent", dispatch),
        ("polls", backlog.poll_due_since, LATE_AFTER, "a poll is due", poll),
        ("settlements", backlog.settle_due_since, LATE_AFTER, "a finished batch waits for its settlement", settle),
        ("deliveries", backlog.delivery_due_since, LATE_AFTER, "a webhook try is due", webhook),
    )
    for check, since, patience, what, stage in kinds:
        age = now - (since or now)
        if age <= patience:
            yield Diagnosis(check=check, level=Level.OK, found="nothing is late")
        else:
            yield _late(check, f"{what} since {age_of(age)}", {stage} & paused)
    stuck = backlog.overdue_count + backlog.orphan_count
    if stuck:
        found = f"{stuck} tasks are past their deadline or their claim, and nobody has ended them"
        yield _late("progress", found, {Stage.DISPATCH, Stage.POLL} & paused)


def _late(check: str, found: str, stopped: AbstractSet[Stage]) -> Diagnosis:
    if stopped:
        found += f": {' and '.join(sorted(stopped))} paused"
        return Diagnosis(check=check, level=Level.WARN, found=found)
    advice = "see whether a worker runs: `batchctl run-once` shows what it does; cron or the timer may have stopped"
    return Diagnosis(check=check, level=Level.FAIL, found=found, advice=advice, exit_code=1)


def judge_holds(backlog: Backlog) -> Iterator[Diagnosis]:
    """Judge what waits for an operator: rows on hold, deliveries without a secret."""
    held = backlog.held_batch_count + backlog.held_task_count
    if held:
        found = f"{_held(backlog)} on hold"
        advice = "`batchctl hold list` says why; mend the cause, then `batchctl hold release ID`"
        yield Diagnosis(check="holds", level=Level.FAIL, found=found, advice=advice, exit_code=1)
    else:
        yield Diagnosis(check="holds", level=Level.OK, found="nothing is on hold")
    if backlog.unsigned_count:
        found = f"{backlog.unsigned_count} deliveries wait for a secret to sign them"
        yield Diagnosis(
            check="secrets", level=Level.FAIL, found=found, advice="set ENTERPRISE_WEBHOOK_SECRET", exit_code=78
        )


def _held(backlog: Backlog) -> str:
    """Say how many of what are held, each only where there are some."""
    batches, tasks = backlog.held_batch_count, backlog.held_task_count
    told = [
        f"{number} {one if number == 1 else more}"
        for number, one, more in ((batches, "batch", "batches"), (tasks, "task", "tasks"))
        if number
    ]
    return f"{' and '.join(told)} {'is' if batches + tasks == 1 else 'are'}"


def judge_last_run(backlog: Backlog, now: datetime) -> Diagnosis:
    """Say when the last pass with work was; that there was none for long is judged by what is due."""
    if backlog.last_run_at is None:
        return Diagnosis(check="last pass", level=Level.OK, found="none with work yet")
    found = f"{age_of(now - backlog.last_run_at)} ago, exit code {backlog.last_exit_code}"
    if not backlog.last_exit_code:
        return Diagnosis(check="last pass", level=Level.OK, found=found)
    return Diagnosis(check="last pass", level=Level.WARN, found=found, advice="`batchctl run-once` says what is wrong")
