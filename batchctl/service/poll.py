"""Poll: fail what ran out of polls or time, ask for what is due: claim | ask | record; then look for late results."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from uuid import UUID

from batchctl.domain.pause import Stage
from batchctl.domain.polling import DueTask, PollRecord, decide, lease, max_poll_count_error
from batchctl.domain.provider import NoSuchTask, PollAnswer, Transient
from batchctl.domain.report import Finding, PollReport, account_findings
from batchctl.domain.task import TaskStatus
from batchctl.domain.wire import Landed, NotSent, Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service import pauses
from batchctl.service.flight import fly, told
from batchctl.service.late import Looks, watch
from batchctl.service.sets import Written, hold_all, take_all, write_all
from batchctl.service.world import Budget, World
from batchctl.statement import Conn
from batchctl.store import tasks
from batchctl.store.tasks import ExpiredTask

EXPIRED_AT_ONCE = 1000


def poll(world: World, budget: Budget) -> PollReport:
    """Run the stage once, unless it is paused; ConfigProblem when there is no key for the provider."""
    world.need_provider()
    if paused := pauses.of(world, Stage.POLL):
        return PollReport(paused=paused)
    expired = _expire(world)
    polls = Polls(world, budget)
    looks = Looks(world, budget)
    broken = (*told(polls.run), *told(looks.run))
    counts, held = polls.counts, [*expired.rejected, *polls.held]
    ended = [task for group in expired.results for task in group]
    counts["failed"] += len(ended)
    counts["max_poll_reached"] += sum(task.by_poll_count for task in ended)
    outcomes = ("succeeded", "failed", "still_processing", "transient_errors")
    return PollReport(
        polled=sum(counts[outcome] for outcome in outcomes),
        succeeded=counts["succeeded"],
        failed=counts["failed"],
        still_processing=counts["still_processing"],
        transient_errors=counts["transient_errors"],
        max_poll_reached=counts["max_poll_reached"],
        late_looks=looks.counts["looks"],
        late_results=looks.counts["results"],
        requests=counts["requests"] + looks.counts["looks"],
        connect_failures=counts["connect_failures"] + looks.counts["connect_failures"],
        findings=(
            *broken,
            *(Finding(message=f"task {task_id} is on hold: {reason}") for task_id, reason in dict.fromkeys(held)),
            *account_findings(polls.account_error),
            *looks.findings,
        ),
    )


def _expire(world: World) -> Written[UUID, list[ExpiredTask]]:
    """Fail tasks past a limit without asking once more, in groups, until there is no whole group of them."""
    now, limits = world.clock(), world.limits
    first_attempt_before = now - limits.task_deadline

    def expire(tx: Conn, limit: int, seen: list[UUID]) -> list[ExpiredTask]:
        seen[:] = tasks.find_expired(
            tx,
            max_poll_count=limits.max_poll_count,
            first_attempt_before=first_attempt_before,
            task_limit=limit,
        )
        if not seen:
            return []
        error = max_poll_count_error(limits.max_poll_count)
        expired = tasks.expire_polled(
            tx, seen, max_poll_count=limits.max_poll_count, max_poll_count_error=error, now=now
        )
        watch(tx, seen, now)
        reach(Failpoint.EXPIRE_BEFORE_COMMIT, tx)
        return expired

    every: Written[UUID, list[ExpiredTask]] = Written(results=[], rejected=[])
    is_whole = True
    while is_whole:
        taken = take_all(world.db, EXPIRED_AT_ONCE, expire, lambda tx, offenders: tasks.hold(tx, offenders, now=now))
        every.results.extend(taken.results)
        every.rejected.extend(taken.rejected)
        expired = sum(len(group) for group in taken.results)
        is_whole = expired > 0 and expired + len(taken.rejected) >= EXPIRED_AT_ONCE
    return every


class Polls:
    """One pass's polls: what is in flight, and what the answers came to."""

    def __init__(self, world: World, budget: Budget) -> None:
        """Start with nothing in flight; ConfigProblem when there is no key for the provider."""
        self._world = world
        self._budget = budget
        self._provider = world.need_provider()
        self._keys = count()
        self._left = world.limits.max_poll
        self._in_flight: dict[int, DueTask] = {}
        self._denied: list[tuple[DueTask, NoSuchTask]] = []
        """Tasks that the provider does not know: whether that is final shows when all answers are in."""
        self.counts: Counter[str] = Counter()
        self.held: list[tuple[UUID, str]] = []
        self.account_error: str | None = None
        """Why the provider refuses our account, if it does."""

    def run(self) -> None:
        """Ask for due tasks as places become free, at most `max_poll` of them and each once."""
        fly(self._world.provider_http, take=self._take, land=self._land, is_spent=self._budget.is_spent)
        if self._denied:
            many = len({task.user_id for task, _ in self._denied}) > 1
            now, limits = self._world.patient_clock(), self._world.limits
            self._record(
                [decide(task, answer, limits, now, many_customers_lost=many) for task, answer in self._denied], now
            )

    def _take(self, free: int) -> list[Request]:
        number = min(free, self._left)
        if number <= 0:
            return []
        now = self._world.clock()
        taken = take_all(
            self._world.db,
            number,
            lambda tx, limit, seen: self._claim(tx, limit, seen, now),
            lambda tx, offenders: tasks.hold(tx, offenders, now=now),
        )
        reach(Failpoint.POLL_AFTER_INTENT)
        self.held.extend(taken.rejected)
        claimed = [task for group in taken.results for task in group]
        self._left -= len(claimed)
        self.counts["requests"] += len(claimed)
        requests: list[Request] = []
        for task in claimed:
            key = next(self._keys)
            self._in_flight[key] = task
            host = task.provider_host or self._provider.host
            requests.append(self._provider.question(key, host, task.remote_id))
        return requests

    def _claim(self, tx: Conn, limit: int, seen: list[UUID], now: datetime) -> list[DueTask]:
        asked_before = min(self._budget.started_at, now - self._budget.poll_gap)
        seen[:] = tasks.find_pollable(tx, task_limit=limit, asked_before=asked_before, now=now)
        claimed = tasks.claim_polls(tx, seen, lease_until=now + lease(self._world.limits), now=now) if seen else []
        reach(Failpoint.POLL_BEFORE_INTENT, tx)
        return claimed

    def _land(self, group: Sequence[Landed]) -> None:
        now = self._world.patient_clock()
        records: list[PollRecord] = []
        for landed in group:
            task, answer = self._read(landed)
            if isinstance(answer, NoSuchTask):
                self._denied.append((task, answer))
            else:
                records.append(decide(task, answer, self._world.limits, now))
        if records:
            self._record(records, now)

    def _read(self, landed: Landed) -> tuple[DueTask, PollAnswer]:
        task = self._in_flight.pop(landed.key)
        self.counts["connect_failures"] += isinstance(landed.outcome, NotSent)
        answer = self._provider.read_result(task.remote_id, landed.outcome)
        if isinstance(answer, Transient) and answer.account_refused:
            self.account_error = answer.error.partition(":")[0]  # The rest may quote a prompt.
        return task, answer

    def _record(self, records: list[PollRecord], now: datetime) -> None:
        records.sort(key=lambda record: record.id)
        reach(Failpoint.POLL_ANSWERED)
        written = write_all(self._world.db, records, lambda tx, some: _write(tx, some, now))
        reach(Failpoint.POLL_AFTER_COMMIT)
        recorded = {task_id for ids in written.results for task_id in ids}
        self.counts.update(_outcome(record) for record in records if record.id in recorded)
        self.counts["max_poll_reached"] += sum(r.limit_reached for r in records if r.id in recorded)
        if written.rejected:
            reasons = [(record.id, error) for record, error in written.rejected]
            held = hold_all(self._world.db, reasons, lambda tx, some: tasks.hold(tx, some, now=now))
            self.held.extend(held.reasons)


def _write(tx: Conn, records: Sequence[PollRecord], now: datetime) -> set[UUID]:
    recorded = tasks.record_polls(tx, records, now=now)
    watch(tx, [record.id for record in records if record.limit_reached and record.id in recorded], now)
    reach(Failpoint.POLL_BEFORE_COMMIT, tx)
    return recorded


def _outcome(record: PollRecord) -> str:
    match record.status:
        case TaskStatus.SUCCEEDED:
            return "succeeded"
        case TaskStatus.FAILED:
            return "failed"
        case _:
            return "transient_errors" if record.poll_errors else "still_processing"
