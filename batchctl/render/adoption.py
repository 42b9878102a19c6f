"""The sentences in which an adopted database is described to its operator."""

from batchctl.domain.adoption import AdoptionReport
from batchctl.render.grid import instant

LEFTOVERS = {
    "queued": "queued batches, which the next passes claim",
    "started": "batches under way, with which the next passes go on",
    "paid_without_tasks": "batches paid for and without tasks: the next passes give the credits back",
    "paid_before_claimed": "batches paid for before they were claimed: the next passes go on with them",
    "claimed_never_paid": "batches claimed and never paid for: the next passes claim them anew, if nothing was sent",
    "settled_never_ended": "batches settled and still in processing: the next passes end them and move no credits",
    "refused_with_pending_tasks": "refused batches with pending tasks, which the next passes fail",
    "failed_after_paid": "batches that failed after they were paid for: the next passes settle them",
    "ended_never_settled": "batches that ended, hold credits and were never settled: nothing proves why, they stay so",
    "paid_without_trace": "batches holding credits of which the ledger knows nothing: refunds go to permanent credits",
    "ended_without_time": "ended batches that do not say when: they stay so",
    "ended_never_told": "batches whose end no customer was told: `batchctl webhook resend` tells it, nothing else does",
    "tasks_in_doubt": "tasks being sent, without a provider id: BATCH_ORPHAN_POLICY decides about them",
    "tasks_at_provider": "tasks at the provider, which the next passes poll",
    "tasks_running_with_video": "tasks at the provider that have a video address already: polled like others",
    "tasks_ended_without_time": "ended tasks that do not say when: they stay so",
    "tasks_without_status": "tasks without a status: their batches are put on hold",
    "single_videos": "videos that belong to no batch and are never touched",
    "wallets_unlike_ledger": "wallets that differ from their ledger: by how much is kept in adopted_wallets",
}


def lines(report: AdoptionReport) -> list[str]:
    """Describe an adopted database line by line."""
    state = report.state
    said = [f"adopted from the original worker at {instant(state.adopted_at)}"]
    said += [f"  {count:>6} {LEFTOVERS[kind]}" for kind, count in report.leftovers.items()]
    said += [
        f"  {count:>6} old rows that break {rule}, which binds newer rows only" for rule, count in report.exempt.items()
    ]
    said += [f"closed to everybody: function {name}" for name in report.closed]
    if state.applied_at is None:
        said.append("its worker may go on; when it is stopped for good, run `batchctl migrate --apply-adoption`")
    else:
        said.append(f"adoption applied at {instant(state.applied_at)}: the guards refuse")
    return said
