"""Dispatch: claim queued batches and freeze their credits, rescue orphans, send what may be sent."""

from collections.abc import Iterable
from uuid import UUID

from batchctl.domain.pause import Stage
from batchctl.domain.report import DispatchReport, Finding
from batchctl.service import breaker, pauses
from batchctl.service.breaker import Gate
from batchctl.service.claim import claim
from batchctl.service.flight import told
from batchctl.service.rescue import rescue
from batchctl.service.submit import Submissions
from batchctl.service.world import Budget, World

_CLAIMED_AT = {Gate.SHUT: 0, Gate.PROBE: 1}
"""Batches claimed at most while the provider refuses our account: credits are not frozen for what cannot be sent."""


def dispatch(world: World, budget: Budget) -> DispatchReport:
    """Run the stage once, unless it is paused.

    Raises ConfigProblem, with nothing claimed or frozen, when there is no key for the provider.
    """
    world.need_provider()
    if budget.stopping():
        return DispatchReport()
    if paused := pauses.of(world, Stage.DISPATCH):
        return DispatchReport(paused=paused)
    gate = breaker.pass_gate(world)
    claims = claim(world, _CLAIMED_AT.get(gate))
    rescued = rescue(world)
    submissions = Submissions(world, budget, probes=gate is Gate.PROBE)
    broken = () if gate is Gate.SHUT else told(submissions.run)
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
            *breaker.note(world, gate, submissions.breaker),
        ),
    )


def _held(kind: str, held: Iterable[tuple[UUID, str]]) -> list[Finding]:
    return [Finding(message=f"{kind} {row_id} is on hold: {reason}") for row_id, reason in held]
