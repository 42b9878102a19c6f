"""All about one batch as a page: what it waits for first, then its money, its tasks and what its customer was told."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.batch_page import BatchDetail, BatchShow, DeliveryLine, TaskLine, TryLine
from batchctl.domain.delivery import DeliveryStatus
from batchctl.render.clean import clean
from batchctl.render.grid import Grid, Part
from batchctl.render.ledger import entries
from batchctl.render.timeline import advice, timeline
from batchctl.render.times import span

BAR_CELLS = 24
SHOWN_TRIES = 10
"""Of each event, the newest; --json has them all."""

_NEXT = {
    "refuse": "malformed: the next pass refuses it",
    "claim": "complete: waits for a pass to claim it and freeze its credits",
    "start": "has tasks to send: waits for passes to send them",
    "poll": "waits for the provider; passes ask for its tasks",
    "settle": "all tasks are finished: the next pass settles it",
    "close": "refused or cancelled: the next pass fails its unsent tasks",
    "adopt": "left so by the original worker: passes put it right, or put it on hold",
}


def page(shown: BatchShow) -> list[Part]:
    """Show a batch; what an operator must see to stands at the top."""
    parts: list[Part] = [*_holds(shown), _head(shown), _money(shown)]
    if shown.ledger:
        parts.append(entries(shown.ledger, of_batch=True))
    parts.append(_states(shown))
    if shown.failures:
        parts += [_failures(shown), _examples(shown)]
    parts.append(timeline(shown))
    parts += _deliveries(shown)
    if shown.task_list is not None:
        parts.append(tasks(shown.task_list))
    if steps := "\n".join(advice(shown)):
        parts.append(steps)
    return parts


def watched(shown: BatchShow) -> list[Part]:
    """Show of a batch what moves, on as few lines as that takes."""
    parts: list[Part] = [*_holds(shown), _head(shown), _money(shown), _states(shown)]
    return [*parts, _failures(shown)] if shown.failures else parts


def tasks(lines: tuple[TaskLine, ...]) -> Grid:
    """Show tasks line by line."""
    headings = ("TASK", "STATE", "MODEL", "SENT", "POLLS", "PROVIDER'S ID", "ERROR", "PROMPT")
    rows = tuple(
        (
            line.batch_index,
            line.status,
            line.model,
            line.attempts,
            line.poll_count,
            line.provider_id,
            _why(line),
            line.prompt,
        )
        for line in lines
    )
    cut = ("MODEL", "PROVIDER'S ID", "ERROR", "PROMPT")
    return Grid(headings=headings, rows=rows, numbers=("TASK", "SENT", "POLLS"), cut=cut)


def _holds(shown: BatchShow) -> Iterator[str]:
    batch, counts = shown.batch, shown.tasks
    if batch.hold_reason is not None:
        yield (
            f"THE BATCH IS ON HOLD: {clean(batch.hold_reason)}\n"
            f"No stage touches it until it is released. Mend the cause, then:\n  batchctl hold release {batch.id}"
        )
    if counts.on_hold:
        yield (
            f"{counts.on_hold} OF ITS TASKS ON HOLD: {clean(counts.hold_reason or '')}\n"
            "`batchctl hold list` says why. Mend the cause, then `batchctl hold release ID`; `batchctl task resolve` "
            "decides about those that may be at the provider."
        )


def _head(shown: BatchShow) -> Grid:
    batch = shown.batch
    rows: list[tuple[object, ...]] = [("customer", str(batch.user_id)), ("created", batch.created_at)]
    if batch.request_id is not None:
        rows.append(("request id", batch.request_id))
    rows += [("state", batch.status), ("next", _next(shown))]
    if batch.last_error is not None:
        rows.append(("error", batch.last_error))
    if batch.cancelled_at is not None:
        rows.append(("cancelled", batch.cancelled_at))
    rows.append(("progress", _progress(shown)))
    if batch.completed_at is not None:
        rows.append(("ended", batch.completed_at))
    if batch.retry_of is not None:
        rows.append(("tries again", f"failed tasks of batch {batch.retry_of}"))
    if batch.retried_by is not None:
        rows.append(("tried again by", f"batch {batch.retried_by}"))
    return Grid(headings=("BATCH", str(batch.id)), rows=tuple(rows))


def _next(shown: BatchShow) -> str:
    """Say what the batch waits for."""
    batch = shown.batch
    if batch.hold_reason is not None:
        return "nothing, until it is released"
    if batch.next_step == "fill":
        until = ""
        if shown.fill_until is not None:
            due = shown.fill_until - shown.as_of
            until = f", for {span(due)} more" if due > timedelta(0) else ", no longer: the next pass refuses it"
        return f"waits for its tasks, of which {shown.tasks.total} of {batch.total_count} are there{until}"
    if batch.next_step is None:
        return _end(batch)
    return _NEXT.get(batch.next_step, batch.next_step)


def _end(batch: BatchDetail) -> str:
    if batch.status in (BatchStatus.QUEUED, BatchStatus.PROCESSING):
        return "nothing that a pass does"
    if batch.webhook_status in ("pending", "retrying"):
        return "ended; its customer is still to be told"
    if batch.webhook_status == DeliveryStatus.FAILED:
        return "nothing: it has ended, and telling its customer was given up"
    return "nothing: it has ended"


def _progress(shown: BatchShow) -> str:
    counts = shown.tasks
    total = max(shown.batch.total_count or 0, counts.total)
    finished = counts.succeeded + counts.failed
    filled = BAR_CELLS * finished // total if total else 0
    bar = "█" * filled + "░" * (BAR_CELLS - filled)
    failed = f", {counts.failed} of them failed" if counts.failed else ""
    return f"{bar} {finished} of {total} finished{failed}"


def _money(shown: BatchShow) -> Grid:
    batch = shown.batch
    headings = ("CREDITS EACH", "FROZEN", "OF IT BONUS", "CHARGED", "GIVEN BACK", "SETTLEMENT")
    cells = (
        batch.cost_per_video,
        batch.frozen_credits,
        shown.frozen_bonus,
        batch.credits_spent,
        shown.credits_refunded,
        batch.settlement_status,
    )
    return Grid(headings=headings, rows=(cells,), numbers=headings[:5])


def _states(shown: BatchShow) -> Grid:
    counts, now = shown.tasks, shown.as_of
    # Before its batch is claimed, or while that is on hold, no task is due.
    is_under_way = shown.batch.status is BatchStatus.PROCESSING and shown.batch.hold_reason is None
    lines = (
        ("pending", counts.pending, _pending(shown) if is_under_way else ""),
        ("being sent or in doubt", counts.in_doubt, _since(counts.in_doubt_since, now)),
        ("at the provider", counts.at_provider, _poll(counts.poll_due_at, now) if counts.at_provider else ""),
        ("succeeded", counts.succeeded, ""),
        ("failed", counts.failed, ""),
    )
    rows = tuple(line for line in lines if line[1]) or (("none", 0, ""),)
    return Grid(headings=("TASKS", "NUMBER", "NEXT"), rows=rows, numbers=("NUMBER",))


def _pending(shown: BatchShow) -> str:
    if shown.batch.cancelled_at is not None:
        return "not sent any more: the next pass fails them as CANCELLED"
    return _start(shown.tasks.start_due_at, shown.as_of)


def _start(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "on hold"
    return "sent as soon as a place is free" if at <= now else f"put off, the first for {span(at - now)} more"


def _poll(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "on hold"
    if at > now:
        return f"the first is asked for in {span(at - now)}"
    return "due" if at == now else f"the first is due since {span(now - at)}"


def _since(at: datetime | None, now: datetime) -> str:
    return "" if at is None else f"the first since {span(now - at)}"


def _failures(shown: BatchShow) -> Grid:
    rows = tuple((failure.failure_type or "none said", failure.count) for failure in shown.failures)
    return Grid(headings=("FAILURE", "TASKS"), rows=rows, numbers=("TASKS",))


def _examples(shown: BatchShow) -> Grid:
    rows = tuple(
        (line.batch_index, line.failure_type, line.provider_id, line.poll_count, line.error)
        for line in shown.failed_tasks
    )
    headings = ("FAILED TASK", "FAILURE", "PROVIDER'S ID", "POLLS", "ERROR")
    more = (
        f"{len(rows)} of {shown.tasks.failed} failed tasks: --tasks lists all" if shown.tasks.failed > len(rows) else ""
    )
    return Grid(headings=headings, rows=rows, numbers=("FAILED TASK", "POLLS"), cut=("PROVIDER'S ID",), caption=more)


def _deliveries(shown: BatchShow) -> Iterator[Part]:
    if not shown.deliveries:
        where = shown.batch.receiver is not None
        yield (
            "its customer is told when it ends"
            if where
            else "its customer is not to be told: it has no webhook address"
        )
        return
    tries: defaultdict[UUID, list[TryLine]] = defaultdict(list)
    for one in shown.tries:
        tries[one.delivery_id].append(one)
    yield _events(shown)
    rows = tuple(
        (delivery.event_type, one.attempt, one.started_at, one.duration_ms, one.status_code, _outcome(one))
        for delivery in shown.deliveries
        for one in tries[delivery.id][:SHOWN_TRIES]
    )
    if rows:
        left_out = sum(delivery.attempts for delivery in shown.deliveries) - len(rows)
        more = f"{left_out} earlier ones: --json has them" if left_out > 0 else ""
        headings = ("EVENT", "TRY", "AT", "MS", "CODE", "ERROR")
        yield Grid(headings=headings, rows=rows, numbers=("TRY", "MS", "CODE"), caption=more)


def _events(shown: BatchShow) -> Grid:
    rows = tuple(
        (delivery.event_type, delivery.status, delivery.attempts, _next_try(delivery, shown.as_of), delivery.receiver)
        for delivery in shown.deliveries
    )
    return Grid(headings=("EVENT", "STATE", "TRIES", "NEXT", "RECEIVER"), rows=rows, numbers=("TRIES",))


def _next_try(delivery: DeliveryLine, now: datetime) -> str:
    if delivery.status not in ("pending", "retrying"):
        return ""
    if delivery.next_attempt_at is None:
        return f"waits: {delivery.last_error}" if delivery.last_error else "waits"
    return "now" if delivery.next_attempt_at <= now else f"in {span(delivery.next_attempt_at - now)}"


def _outcome(one: TryLine) -> str | None:
    return "under way, or its worker died" if one.duration_ms is None and one.error is None else one.error


def _why(line: TaskLine) -> str | None:
    return line.error if line.hold_reason is None else f"ON HOLD: {line.hold_reason}"
