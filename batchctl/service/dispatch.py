"""Dispatch: claim queued batches and freeze their credits, rescue orphans, send what may be sent."""

from collections.abc import Iterable
from uuid import UUID

from batchctl.domain.problem import Problem
from batchctl.domain.report import DispatchReport, Finding, account_findings
from batchctl.service.claim import claim
from batchctl.service.rescue import rescue
from batchctl.service.submit import Submissions
from batchctl.service.world import Budget, World


def dispatch(world: World, budget: Budget) -> DispatchReport:
    """Run the stage once; ConfigProblem, and nothing claimed or frozen, when there is no key for the provider."""
    world.need_provider()
    if budget.stopping():
        return DispatchReport()
    claims = claim(world)
    rescued = rescue(world)
    submissions = Submissions(world, budget)
    broken = _run(submissions)
    counts = submissions.counts
    refused = claims.refusals.total()
    return DispatchReport(
        claimed=claims.frozen + refused,
        frozen=claims.frozen,
        freeze_failed=refused,
        tasks_started=counts["started"],
        start_failed=counts["failed"] + rescued.failed,
        start_deferred=counts["deferred"],
        start_unknown=counts["unknown"] + rescued.unknown,
        credits_frozen=claims.credits_frozen,
        refusals={str(reason): number for reason, number in sorted(claims.refusals.items())},
        requests=counts["requests"],
        connect_failures=counts["connect_failures"],
        findings=(
            *broken,
            *_held("batch", claims.held),
            *_held("task", [*claims.held_tasks, *rescued.held, *submissions.held]),
            *account_findings(submissions.breaker.account_error),
        ),
    )


def _run(submissions: Submissions) -> tuple[Finding, ...]:
    """Submit; a problem on the way becomes a finding, so that what was done before it is reported all the same."""
    try:
        submissions.run()
    except Problem as problem:
        return (Finding(message=str(problem), exit_code=problem.exit_code),)
    return ()


def _held(kind: str, held: Iterable[tuple[UUID, str]]) -> list[Finding]:
    return [Finding(message=f"{kind} {row_id} is on hold: {reason}") for row_id, reason in held]
