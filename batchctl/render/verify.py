"""What a receiver that does it right would say of a webhook, and what one made of a ping."""

from collections.abc import Iterator

from batchctl.domain.delivery_page import PingReport
from batchctl.domain.verify import VerifyReport
from batchctl.render.grid import Grid, Part


def page(report: VerifyReport) -> list[Part]:
    """Show what each header came to, and the verdict below."""
    rows = tuple((check.name, check.fit, check.detail) for check in report.checks)
    return [Grid(headings=("HEADER", "FIT", "DETAIL"), rows=rows), "\n".join(_verdict(report))]


def _verdict(report: VerifyReport) -> Iterator[str]:
    if report.age_s is not None:
        how = f"{report.age_s} s old" if report.age_s >= 0 else f"{-report.age_s} s ahead"
        yield f"the timestamp is {how}; a receiver takes {report.tolerance_s} s"
    yield "accepted" if report.reason is None else f"not accepted: {report.reason}"


def pong(report: PingReport) -> Grid:
    """Show what a receiver made of a ping."""
    headings = ("RECEIVER", "RESULT", "CODE", "MS", "SIGNED WITH", "ERROR", "ANSWER")
    cells = (
        report.receiver,
        "delivered" if report.delivered else "not delivered",
        report.status_code,
        report.duration_ms,
        _signed(report),
        report.error,
        report.answer,
    )
    return Grid(headings=headings, rows=(cells,), numbers=("CODE", "MS"), cut=("ANSWER",), spare=("SIGNED WITH",))


def _signed(report: PingReport) -> str:
    if not report.signatures:
        return "nothing"
    if not report.is_own_secret:
        return "the default secret"
    return "its own secret" if report.signatures == 1 else f"its own {report.signatures} secrets"
