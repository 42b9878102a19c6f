"""Late results: tasks that a limit failed are looked at again for a while: claim | ask | record (contract §1)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from uuid import UUID

from batchctl.domain.polling import LOOK_WAIT, LOOK_WINDOW, LookRecord, WatchedTask, decide_look, lease
from batchctl.domain.report import Finding
from batchctl.domain.wire import Landed, NotSent, Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service.flight import fly
from batchctl.service.sets import write_all
from batchctl.service.world import Budget, World
from batchctl.statement import Conn
from batchctl.store import late

LOOKS_PER_PASS = 100


def watch(tx: Conn, task_ids: Sequence[UUID], now: datetime) -> None:
    """Have tasks looked at again that the same transaction fails by a limit."""
    if task_ids:
        late.watch(tx, task_ids, next_look_at=now + LOOK_WAIT, until=now + LOOK_WINDOW)


class Looks:
    """One pass's looks at failed tasks: what is in flight, and what they saw."""

    def __init__(self, world: World, budget: Budget) -> None:
        """Start with nothing in flight; ConfigProblem when there is no key for the provider."""
        self._world = world
        self._budget = budget
        self._provider = world.need_provider()
        self._keys = count()
        self._left = LOOKS_PER_PASS
        self._in_flight: dict[int, WatchedTask] = {}
        self.counts: Counter[str] = Counter()
        """looks, results, connect_failures."""
        self.findings: list[Finding] = []

    def run(self) -> None:
        """Look at what is due as places become free, at most `LOOKS_PER_PASS` tasks."""
        fly(self._world.provider_http, take=self._take, land=self._land, is_spent=self._budget.is_spent)

    def _take(self, free: int) -> list[Request]:
        number = min(free, self._left)
        if number <= 0:
            return []
        now = self._world.clock()
        lease_until = now + lease(self._world.limits)

        def claim(tx: Conn) -> list[WatchedTask]:
            found = late.claim(tx, look_limit=number, lease_until=lease_until, now=now)
            reach(Failpoint.LOOK_BEFORE_INTENT, tx)
            return found

        claimed = self._world.db.transact(claim)
        self._left -= len(claimed)
        self.counts["looks"] += len(claimed)
        requests: list[Request] = []
        for task in claimed:
            key = next(self._keys)
            self._in_flight[key] = task
            requests.append(self._provider.question(key, task.provider_host or self._provider.host, task.remote_id))
        return requests

    def _land(self, group: Sequence[Landed]) -> None:
        now = self._world.patient_clock()
        records: list[LookRecord] = []
        for landed in group:
            task = self._in_flight.pop(landed.key)
            self.counts["connect_failures"] += isinstance(landed.outcome, NotSent)
            answer = self._provider.read_result(task.remote_id, landed.outcome)
            records.append(decide_look(task, answer, now))
        records.sort(key=lambda record: record.id)
        reach(Failpoint.LOOK_ANSWERED)
        written = write_all(self._world.db, records, lambda tx, some: _write(tx, some, now))
        self.counts["results"] += sum(len(kept) for kept in written.results)
        self.findings.extend(
            Finding(message=f"a late result of task {record.id} cannot be kept: {error}")
            for record, error in written.rejected
        )


def _write(tx: Conn, records: Sequence[LookRecord], now: datetime) -> set[UUID]:
    kept = late.record(tx, records, now=now)
    reach(Failpoint.LOOK_BEFORE_COMMIT, tx)
    return kept
