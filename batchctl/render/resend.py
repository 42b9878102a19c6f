"""What a resend did, or would do, as a page: for a terminal what an operator needs first, for a pipe all of it."""

from collections.abc import Iterator

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.resend import RECOVERED, ResendLine, ResendReport, ResendResult
from batchctl.render.grid import Grid, instant

_SECURE = "https://"


def table(report: ResendReport) -> Grid:
    """Show each delivery that was asked for, and below them how many came to what."""
    rows: tuple[tuple[object, ...], ...]
    if report.dry_run:
        headings = ("BATCH", "RECEIVER", "STATUS", "TRIES", "RESULT", "DETAIL")
        rows = tuple(
            (one.batch_id, _host(one), one.status, one.attempts, one.result, detail(one)) for one in report.deliveries
        )
        return Grid(headings=headings, rows=rows, numbers=("TRIES",), cut=("RECEIVER",), caption=summary(report))
    headings = ("BATCH", "RECEIVER", "RESULT", "CODE", "MS", "DETAIL")
    rows = tuple(
        (one.batch_id, _host(one), one.result, one.status_code, one.duration_ms, detail(one))
        for one in report.deliveries
    )
    return Grid(headings=headings, rows=rows, numbers=("CODE", "MS"), cut=("RECEIVER",), caption=summary(report))


def lines(report: ResendReport) -> Grid:
    """List each delivery with all that is known of it."""
    headings = ("BATCH", "EVENT", "WEBHOOK-ID", "RECEIVER", "RESULT", "CODE", "MS", "STATUS", "TRIES", "NEXT", "DETAIL")
    rows = tuple(
        (
            one.batch_id,
            one.event_type,
            one.webhook_id,
            one.receiver,
            one.result,
            one.status_code,
            one.duration_ms,
            one.status,
            one.attempts,
            one.next_attempt_at,
            detail(one),
        )
        for one in report.deliveries
    )
    return Grid(headings=headings, rows=rows)


def summary(report: ResendReport) -> str:
    """Count the deliveries by what became of them."""
    counts = {
        ResendResult.DELIVERED: report.delivered,
        ResendResult.NOT_DELIVERED: report.not_delivered,
        ResendResult.WOULD_BE_TRIED: report.would_be_tried,
        ResendResult.NOT_TRIED: report.not_tried,
        ResendResult.SKIPPED: report.skipped,
    }
    told = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    return f"{told}; a dry run: nothing was sent" if report.dry_run else told


def sample(one: ResendLine) -> str:
    """Show in a line what would be sent."""
    said = detail(one)
    head = f"{str(one.batch_id)[:8]}  {one.event_type or 'no event'}  {one.receiver or 'nowhere'}"
    return f"  {head}  {one.status or 'never told'}" + (f": {said}" if said else "")


def nothing(report: ResendReport) -> str:
    """Say that the selection fits nothing."""
    if report.schema == RECOVERED:
        return "no event of that time waits or was given up: nothing to send (--status sent repeats what was delivered)"
    return "no delivery that was given up was last tried in that time: nothing to resend"


def left(report: ResendReport) -> str | None:
    """Say how to go on where the selection fits more than its limit; None where it does not."""
    count = len(report.deliveries)
    if report.matched <= count:
        return None
    which = f"{count} oldest" if report.schema == RECOVERED else f"{count} that were tried longest ago"
    return f"{report.matched} match; these are the {which}: run it again for the next ones, or raise --limit"


def detail(one: ResendLine) -> str:
    """Say why, and what else an operator should know."""
    return "; ".join(_details(one))


def _details(one: ResendLine) -> Iterator[str]:
    if one.error:
        yield one.error
    if one.receiver_before is not None:
        same = one.receiver_before == one.receiver
        yield f"to a new address ({'the same host' if same else f'before: {one.receiver_before}'})"
    if one.webhook_id is None and one.result is ResendResult.WOULD_BE_TRIED:
        yield "never told: the event comes from the books"
    if one.next_attempt_at is not None:
        yield f"next try {instant(one.next_attempt_at)}"
    if one.delivered_at is not None and one.status is DeliveryStatus.SENT and one.result is not ResendResult.DELIVERED:
        yield f"delivered before, {instant(one.delivered_at)}"


def _host(one: ResendLine) -> str | None:
    """Name the receiver in few characters: https, which is the rule, is left out."""
    return None if one.receiver is None else one.receiver.removeprefix(_SECURE)
