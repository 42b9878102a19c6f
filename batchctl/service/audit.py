"""The audit: every rule looked at in one snapshot, beside workers at work; nothing is locked and nothing is written."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from batchctl.domain.audit import AuditReport, Check, CheckList, CheckResult, Scope, choose, old_before
from batchctl.domain.problem import Problem, ShortageProblem
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import adoption
from batchctl.store import audit as store

FIRST_OFFENDERS = 5


def checks(written: Iterable[str] = ()) -> CheckList:
    """Return the checks that are meant by name or code, all when none is named; UsageProblem for one that is not."""
    every, written = store.checks(), list(written)
    return CheckList(checks=tuple(choose(every, written) if written else every))


def audit(
    world: World,
    chosen: Sequence[Check],
    *,
    since: datetime | None = None,
    offender_limit: int = FIRST_OFFENDERS,
) -> AuditReport:
    """Run checks on all that there is, or on what moved since an instant; name the first offenders of each.

    Raises Problem when one of them takes longer than a statement may, or the database falls short in another way.
    """
    begun: list[Check] = []
    now, max_poll_count = world.clock(), world.limits.max_poll_count
    try:
        return world.db.survey(
            lambda tx: look(
                tx,
                chosen,
                since=since,
                now=now,
                max_poll_count=max_poll_count,
                offender_limit=offender_limit,
                begin=begun.append,
            )
        )
    except ShortageProblem as problem:
        if not begun:
            raise
        said = str(problem.__cause__).partition("\n")[0]
        message = f"{begun[-1].name} did not come to its end ({said}): --since 2d looks at less"
        raise Problem(message) from problem


def look(
    tx: Conn,
    chosen: Sequence[Check],
    *,
    since: datetime | None,
    now: datetime,
    max_poll_count: int,
    offender_limit: int,
    begin: Callable[[Check], object] = lambda _: None,
) -> AuditReport:
    """Run checks in a transaction of the caller; `begin` is handed each of them before it is run."""
    began_s = time.monotonic()
    adopted = adoption.state(tx)
    scope = Scope(since=since, old_before=old_before(adopted), now=now, max_poll_count=max_poll_count)
    results: list[CheckResult] = []
    for check in chosen:
        begin(check)
        results.append(_run(tx, check, scope, offender_limit))
    return AuditReport(
        since=since,
        adoption=adopted,
        found=sum(result.found for result in results),
        duration_ms=_passed_ms(began_s),
        checks=tuple(results),
    )


def _run(tx: Conn, check: Check, scope: Scope, offender_limit: int) -> CheckResult:
    began_s = time.monotonic()
    found, offenders = store.run(tx, check, scope, offender_limit=offender_limit)
    return CheckResult(
        name=check.name,
        guards=check.guards,
        found=found,
        duration_ms=_passed_ms(began_s),
        first_offenders=offenders,
    )


def _passed_ms(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
