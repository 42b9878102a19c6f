"""Sending tasks to the provider: claim for free places | submit | record, in groups, until nothing more may start."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from batchctl.domain.breaker import SubmissionBreaker
from batchctl.domain.fairness import share_places
from batchctl.domain.problem import UnreachableProblem
from batchctl.domain.submission import ClaimedTask, SubmissionRecord, decide
from batchctl.domain.task import TaskStatus
from batchctl.domain.wire import Landed, NotSent, Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service.flight import fly
from batchctl.service.sets import hold_all, take_all, write_all
from batchctl.service.world import Budget, World
from batchctl.statement import Conn
from batchctl.store import batches, tasks


class Submissions:
    """One pass's submissions: what is in flight, and what became of the rest."""

    def __init__(self, world: World, budget: Budget, *, probes: bool = False) -> None:
        """Start with nothing in flight; with `probes` one task is sent first, the others if the provider takes it.

        Raises ConfigProblem when there is no key for the provider.
        """
        self._world = world
        self._budget = budget
        self._provider = world.need_provider()
        self._keys = count()
        self._in_flight: dict[int, ClaimedTask] = {}
        self._started: list[ClaimedTask] = []
        """What the last claim wrote, whether or not its commit was answered."""
        self._probes = probes
        self.breaker = SubmissionBreaker()
        self.counts: Counter[str] = Counter()
        """started, failed, deferred, unknown, requests, connect_failures."""
        self.held: list[tuple[UUID, str]] = []

    def run(self) -> None:
        """Submit tasks as places become free, until none may start, the breaker opens or the budget is spent."""
        fly(self._world.provider_http, take=self._take, land=self._land, is_spent=self._is_over)

    def _is_over(self) -> bool:
        return self.breaker.is_open or self._budget.is_spent()

    def _take(self, free: int) -> list[Request]:
        if self._probes and not self.breaker.account_is_good:
            if self.counts["requests"]:
                return []
            free = 1
        now = self._world.clock()
        self._started = []
        try:
            taken = take_all(
                self._world.db,
                free,
                lambda tx, limit, seen: self._claim(tx, limit, seen, now),
                lambda tx, offenders: tasks.hold(tx, offenders, now=now),
            )
            claimed = [task for group in taken.results for task in group]
            self.held += taken.rejected
        except UnreachableProblem:
            claimed = self._claimed_unanswered(now)
            if not claimed:
                raise
        reach(Failpoint.SUBMIT_AFTER_INTENT)
        requests: list[Request] = []
        for task in claimed:
            key = next(self._keys)
            self._in_flight[key] = task
            requests.append(self._provider.submission(key, task.submission()))
        self.counts["requests"] += len(requests)
        return requests

    def _claim(self, tx: Conn, free: int, seen: list[UUID], now: datetime) -> list[ClaimedTask]:
        limits = self._world.limits
        if limits.max_in_flight:
            tasks.lock_places(tx)
            free = min(free, limits.max_in_flight - tasks.count_in_flight(tx))
        if free <= 0:
            return []
        startable = batches.find_startable(
            tx,
            places=free,
            start_cap=limits.max_start_per_batch,
            pass_started_at=self._budget.started_at,
            now=now,
        )
        if not startable:
            return []
        shares = share_places(free, startable, limits.max_start_per_batch)
        seen[:] = tasks.find_startable(tx, shares, pass_started_at=self._budget.started_at, now=now)
        started = tasks.start(tx, seen, provider_host=self._provider.host, now=now) if seen else []
        self._started += started
        reach(Failpoint.SUBMIT_BEFORE_INTENT, tx)
        return started

    def _claimed_unanswered(self, claimed_at: datetime) -> list[ClaimedTask]:
        """Return what was claimed although the connection broke: only we know that it was not sent yet.

        None of it when so much time has passed that others may take it for orphaned before our request is over.
        """
        started = {task.id: task for task in self._started}
        if not started:
            return []
        kept = self._world.db.ask_patiently(lambda tx: tasks.find_claimed(tx, started, claimed_at=claimed_at))
        limits = self._world.limits
        late = limits.claim_timeout - timedelta(milliseconds=limits.provider_timeout_ms)
        return [started[task_id] for task_id in kept] if self._world.patient_clock() - claimed_at < late else []

    def _land(self, group: Sequence[Landed]) -> None:
        now = self._world.patient_clock()
        records = [self._decide(landed, now) for landed in group]
        records.sort(key=lambda record: record.id)
        reach(Failpoint.SUBMIT_ANSWERED)
        written = write_all(self._world.db, records, lambda tx, some: _write(tx, some, now))
        reach(Failpoint.SUBMIT_AFTER_COMMIT)
        recorded = {task_id for ids in written.results for task_id in ids}
        self.counts.update(_outcome(record) for record in records if record.id in recorded)
        self.held += [(r.id, r.hold_reason) for r in records if r.hold_reason is not None and r.id in recorded]
        self._hold(written.rejected, now)

    def _decide(self, landed: Landed, now: datetime) -> SubmissionRecord:
        task = self._in_flight.pop(landed.key)
        self.counts["connect_failures"] += isinstance(landed.outcome, NotSent)
        answer = self._provider.read_submission(landed.outcome)
        self.breaker.see(task.id, task.user_id, answer)
        world = self._world
        return decide(task, answer, world.limits, now, world.random, calls_back=self._provider.calls_back)

    def _hold(self, rejected: Sequence[tuple[SubmissionRecord, str]], now: datetime) -> None:
        if not rejected:
            return
        reasons = [(record.id, _hold_reason(record, error)) for record, error in rejected]
        self.held += hold_all(self._world.db, reasons, lambda tx, some: tasks.hold(tx, some, now=now)).reasons


def _write(tx: Conn, records: Sequence[SubmissionRecord], now: datetime) -> set[UUID]:
    recorded = tasks.record_submissions(tx, records, now=now)
    reach(Failpoint.SUBMIT_BEFORE_COMMIT, tx)
    return recorded


def _outcome(record: SubmissionRecord) -> str:
    if record.outcome_unknown:
        return "unknown"
    match record.status:
        case TaskStatus.FAILED:
            return "failed"
        case TaskStatus.PENDING:
            return "deferred"
        case _:
            return "started"


def _hold_reason(record: SubmissionRecord, error: str) -> str:
    """Say why a record could not be written, with the provider's id, which nothing else remembers."""
    remote_id = "" if record.remote_id is None else f"; the provider accepted it as {record.remote_id!r}"
    return f"{error}{remote_id}"
