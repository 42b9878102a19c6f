"""Events for customers as a list, one as a page, and the log of tries."""

from collections.abc import Iterator

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.delivery_page import AttemptList, EventLine, EventList, EventShow, TryEntry
from batchctl.domain.endpoint import EndpointLine
from batchctl.domain.webhook import ENDPOINT_DISABLED
from batchctl.render.endpoint import secrets, state
from batchctl.render.grid import Grid, Part, instant

_SECURE = "https://"


def listing(report: EventList) -> Grid:
    """Show events; on a narrow terminal the customer, the kind and when it was written give way."""
    headings = ("DELIVERY", "WRITTEN", "EVENT", "BATCH", "CUSTOMER", "RECEIVER", "STATUS", "TRIES", "CODE", "DETAIL")
    rows = tuple(
        (
            line.id,
            line.created_at,
            line.event_type,
            line.batch_id,
            line.user_id,
            line.receiver.removeprefix(_SECURE),
            line.status,
            line.attempts,
            line.last_status_code,
            "; ".join(_details(line)),
        )
        for line in report.deliveries
    )
    return Grid(
        headings=headings,
        rows=rows,
        numbers=("TRIES", "CODE"),
        cut=("RECEIVER",),
        spare=("CUSTOMER", "EVENT", "CODE", "WRITTEN"),
    )


def log(report: AttemptList) -> Grid:
    """Show tries; on a narrow terminal the batch, the receiver and the answer give way."""
    headings = ("STARTED", "DELIVERY", "TRY", "BATCH", "RECEIVER", "CODE", "MS", "ERROR", "ANSWER", "NEXT")
    rows = tuple(
        (
            one.started_at,
            one.delivery_id,
            one.attempt,
            one.batch_id,
            one.receiver.removeprefix(_SECURE),
            one.status_code,
            one.duration_ms,
            _error(one),
            one.answer,
            one.next_attempt_at,
        )
        for one in report.attempts
    )
    return Grid(
        headings=headings,
        rows=rows,
        numbers=("TRY", "CODE", "MS"),
        cut=("RECEIVER", "ANSWER"),
        spare=("BATCH", "RECEIVER", "ANSWER"),
    )


def page(shown: EventShow) -> list[Part]:
    """Show an event: how it stands, where it goes, every try, and what it says."""
    parts: list[Part] = [_head(shown)]
    if shown.attempts:
        parts.append(_tries(shown))
        hidden = shown.delivery.attempts - len(shown.attempts)
        if hidden > 0:
            parts.append(f"{hidden} older tries: batchctl webhook attempts {shown.delivery.id} --limit N")
    parts.append(f"the body, as it is signed and sent:\n{shown.body}")
    return parts


def _head(shown: EventShow) -> Grid:
    line, endpoint = shown.delivery, shown.endpoint
    rows: list[tuple[object, ...]] = [
        ("event", line.event_type),
        ("batch", str(line.batch_id)),
        ("customer", str(line.user_id)),
        ("receiver", line.receiver),
        ("endpoint", _endpoint(endpoint)),
        ("signed with", _signed(shown)),
        ("written", line.created_at),
        ("state", line.status),
        ("tries", line.attempts),
        ("next", _waits(line, shown)),
    ]
    if line.delivered_at is not None:
        rows.append(("delivered", line.delivered_at))
    if line.last_error is not None:
        rows.append(("error", line.last_error))
    return Grid(headings=("DELIVERY", str(line.id)), rows=tuple(rows))


def _endpoint(endpoint: EndpointLine | None) -> str:
    if endpoint is None:
        return "not known as one: no secret of its own, and no failure so far"
    since = endpoint.disabled_at or endpoint.failing_since
    told = f"{endpoint.id}, {state(endpoint)}" + (f" since {instant(since)}" if since else "")
    return f"{told}: {endpoint.disabled_reason}" if endpoint.disabled_reason else told


def _signed(shown: EventShow) -> str:
    if not shown.own_secrets:
        return "the default secret"
    own = secrets(shown.endpoint.secrets) if shown.endpoint and shown.endpoint.secrets else ""
    return own or f"{shown.own_secrets} of the customer's own, which get_enterprise_webhook_for_batch returns"


def _waits(line: EventLine, shown: EventShow) -> str:
    """Say what the event waits for."""
    match line.status:
        case DeliveryStatus.SENT:
            return "nothing: it is delivered"
        case DeliveryStatus.FAILED:
            return f"nothing: it is given up; `batchctl webhook resend {line.batch_id}` tries it once more"
        case DeliveryStatus.PENDING | DeliveryStatus.RETRYING:
            due_at, is_under_way = line.next_attempt_at, any(one.duration_ms is None for one in shown.attempts[:1])
    if due_at is None:
        return f"its endpoint: `batchctl webhook endpoint enable {line.endpoint_id or ''}` sends it"
    if is_under_way:
        return f"a try that is under way, until {instant(due_at)} at the latest"
    return f"a pass, from {instant(due_at)} on" if due_at > shown.as_of else f"the next pass: due {instant(due_at)}"


def _tries(shown: EventShow) -> Grid:
    headings = ("TRY", "STARTED", "CODE", "MS", "ERROR", "ANSWER")
    rows = tuple(
        (one.attempt, one.started_at, one.status_code, one.duration_ms, _error(one), one.answer)
        for one in shown.attempts
    )
    return Grid(headings=headings, rows=rows, numbers=("TRY", "CODE", "MS"), cut=("ANSWER",), spare=("MS",))


def _error(one: TryEntry) -> str:
    return "; ".join(_errors(one))


def _errors(one: TryEntry) -> Iterator[str]:
    if one.duration_ms is None:
        yield "under way, or its worker died"
    if one.error:
        yield one.error
    if one.by_operator:
        yield "by an operator"


def _details(line: EventLine) -> Iterator[str]:
    if line.last_error and line.last_error != ENDPOINT_DISABLED:
        yield line.last_error
    if line.status in {DeliveryStatus.PENDING, DeliveryStatus.RETRYING}:
        if line.next_attempt_at is not None:
            yield f"next try {instant(line.next_attempt_at)}"
        elif line.endpoint_disabled_at is not None:
            yield f"kept until its endpoint is enabled: {str(line.endpoint_id)[:8]}"
