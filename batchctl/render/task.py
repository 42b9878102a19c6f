"""Tasks as lists, and all about one as a page: what it waits for first."""

from datetime import datetime, timedelta
from enum import StrEnum

from batchctl.domain.batch import BatchStatus
from batchctl.domain.resolve import ResolveReport
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import ListedTask, TaskDetail, TaskList, TaskShow
from batchctl.render.grid import Grid, Part
from batchctl.render.times import span


class Mark(StrEnum):
    """What stands in place of a state that matters less."""

    HELD = "held"
    """It waits for an operator."""
    IN_DOUBT = "in doubt"
    """Nobody knows whether the provider accepted it."""


def listing(report: TaskList) -> Grid:
    """Show tasks line by line; on a narrow terminal the model, the counts and the times give way, prompts to errors."""
    headings = ("TASK", "BATCH", "NO", "STATE", "MODEL", "SENT", "POLLS", "ENDED", "PROVIDER'S ID", "ERROR", "PROMPT")
    rows = tuple(
        (
            line.id,
            line.batch_id,
            line.batch_index,
            _state(line),
            line.model,
            line.attempts,
            line.poll_count,
            line.completed_at,
            line.provider_id,
            _why(line),
            line.prompt,
        )
        for line in report.tasks
    )
    has_errors = any(_why(line) for line in report.tasks)
    return Grid(
        headings=headings,
        rows=rows,
        numbers=("NO", "SENT", "POLLS"),
        cut=("MODEL", "PROVIDER'S ID", "ERROR", "PROMPT"),
        spare=("ENDED", "MODEL", "SENT", "POLLS", "PROVIDER'S ID", *(("PROMPT",) if has_errors else ())),
    )


def page(shown: TaskShow) -> list[Part]:
    """Show a task: what an operator must see to, what was ordered, how it went, and what comes next."""
    task = shown.task
    parts: list[Part] = []
    if task.hold_reason is not None:
        parts.append(f"THE TASK IS ON HOLD: {task.hold_reason}\n{_advice(task)}")
    parts += [_head(task, shown.as_of), _order(task), _way(task, shown.as_of)]
    is_over = task.batch_status not in (BatchStatus.QUEUED, BatchStatus.PROCESSING)
    if task.status is TaskStatus.FAILED and is_over and task.retried_by is None:
        parts.append(f"try it again: batchctl task retry {str(task.id)[:8]} --dry-run")
    return parts


def decided(report: ResolveReport) -> Grid:
    """Show what was decided about a task."""
    headings = ("TASK", "BATCH", "DECISION", "STATE", "PROVIDER'S ID")
    row = (report.task_id, report.batch_id, str(report.decision), report.status, report.provider_id)
    return Grid(headings=headings, rows=(row,), spare=("BATCH", "STATE"))


def summary(report: ResolveReport) -> str:
    """Say what was decided, or would be, and how it goes on."""
    follows = {
        TaskStatus.PROCESSING: f"the next passes ask the provider for {report.provider_id}",
        TaskStatus.PENDING: "it is sent once more by the next pass",
        TaskStatus.FAILED: "it failed as SUBMIT_OUTCOME_UNKNOWN; the settlement gives its credits back",
    }
    begin = "a rehearsal, nothing was changed; decided so, " if report.is_rehearsal else "decided: "
    return f"{begin}{follows.get(report.status, str(report.status))}"


def next_step(task: TaskDetail, now: datetime) -> str:
    """Say what a task waits for."""
    if task.hold_reason is not None:
        return "nothing, until it is decided or released"
    if task.status is TaskStatus.PENDING:
        if task.batch_cancelled_at is not None:
            return "its batch is cancelled: the next pass fails it as CANCELLED"
        return f"to be sent{_due(task.next_retry_at, now)}"
    if task.status is TaskStatus.PROCESSING and task.provider_id is not None:
        return f"to be asked for{_due(task.next_poll_at, now)}"
    if task.status is TaskStatus.PROCESSING and task.unknown_since is not None:
        return f"nobody knows whether the provider accepted it, for {span(now - task.unknown_since)}"
    if task.status is TaskStatus.PROCESSING:
        return "being sent now, or its worker died: then a pass finds it after BATCH_CLAIM_TIMEOUT_SECONDS"
    if task.next_look_at is not None:
        return f"it has ended; the provider is asked once more for a late result{_due(task.next_look_at, now)}"
    return "nothing: it has ended"


def _advice(task: TaskDetail) -> str:
    if task.status is TaskStatus.PROCESSING and task.provider_id is None:
        return (
            "Decide by what the provider's own records say, one of:\n"
            f"  batchctl task resolve {task.id} --accepted PROVIDER_ID\n"
            f"  batchctl task resolve {task.id} --submit-again\n"
            f"  batchctl task resolve {task.id} --failed"
        )
    return f"No stage touches it until it is released. Mend the cause, then:\n  batchctl hold release {task.id}"


def _head(task: TaskDetail, now: datetime) -> Grid:
    rows: list[tuple[object, ...]] = [
        ("batch", str(task.batch_id)),
        ("batch's state", task.batch_status),
        ("place", task.batch_index),
        ("customer", str(task.user_id)),
        ("state", task.status),
        ("next", next_step(task, now)),
        ("error", task.error_message),
        ("failure", task.failure_type),
        ("provider's word", task.failure_reason),
        ("last trouble", task.last_error if task.last_error != task.error_message else None),
        ("video", task.video_url),
        ("late result", task.late_video_url),
        ("late result seen", task.late_seen_at),
        ("repeats task", None if task.retry_of is None else str(task.retry_of)),
        ("repeated by task", None if task.retried_by is None else str(task.retried_by)),
    ]
    return Grid(headings=("TASK", str(task.id)), rows=_told(rows))


def _order(task: TaskDetail) -> Grid:
    rows: list[tuple[object, ...]] = [
        ("model", task.model),
        ("prompt", task.prompt),
        ("reference", task.reference_url),
        ("aspect ratio", task.aspect_ratio),
        ("seconds", task.duration),
        ("size", task.size),
        ("meta", task.meta),
    ]
    return Grid(headings=("ORDERED", ""), rows=_told(rows))


def _way(task: TaskDetail, now: datetime) -> Grid:
    rows: list[tuple[object, ...]] = [
        ("created", task.created_at),
        ("first sent", task.first_attempt_at),
        ("last claimed for sending", task.claimed_at),
        ("submissions", task.attempts),
        ("answered 500, 502, 503", task.submit_errors or None),
        ("put off", task.submit_defers or None),
        ("put off by", task.blocked_by),
        ("sent again after doubt", task.resubmits or None),
        ("next submission", task.next_retry_at),
        ("in doubt since", task.unknown_since),
        ("provider's id", task.provider_id),
        ("provider", task.provider_host),
        ("progress", None if task.progress is None else f"{task.progress} %"),
        ("polls answered", task.poll_count),
        ("polls in vain, in a row", task.poll_errors or None),
        ("last poll", task.last_poll_at),
        ("next poll", task.next_poll_at if task.status is TaskStatus.PROCESSING else None),
        ("ended", task.completed_at),
        ("link seen", _link(task, now)),
    ]
    return Grid(headings=("ITS WAY", ""), rows=_told(rows))


def _told(rows: list[tuple[object, ...]]) -> tuple[tuple[object, ...], ...]:
    return tuple(row for row in rows if row[1] not in (None, ""))


def _link(task: TaskDetail, now: datetime) -> str | None:
    if task.video_url_seen_at is None:
        return None
    age = now - task.video_url_seen_at
    over = "; the provider keeps links about 2 hours" if age > timedelta(hours=2) else ""
    return f"{span(age)} ago{over}"


def _due(at: datetime | None, now: datetime) -> str:
    return ": due" if at is None or at <= now else f" in {span(at - now)}"


def _state(line: ListedTask) -> object:
    if line.hold_reason is not None and line.status in (TaskStatus.PENDING, TaskStatus.PROCESSING):
        return Mark.HELD
    return Mark.IN_DOUBT if line.unknown_since is not None else line.status


def _why(line: ListedTask) -> str | None:
    said = line.error if line.failure_type is None else f"{line.failure_type}: {line.error or ''}"
    is_held = line.hold_reason is not None and line.status in (TaskStatus.PENDING, TaskStatus.PROCESSING)
    return f"ON HOLD: {line.hold_reason}" if is_held else said
