"""The audit as a page: every check, what it guards, and who breaks it."""

import re
from collections.abc import Iterator

from batchctl.domain.audit import AuditReport, CheckList, CheckResult, Offender
from batchctl.render.clean import clean
from batchctl.render.grid import Grid, Part, instant

SHOWN_IN_TABLE = 3
"""Offenders in a cell of the table; those that were asked for stand below it."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADINGS = ("CHECK", "GUARDS", "FOUND", "FIRST OFFENDERS")


class Name(str):
    """The name of a check, which is neither folded nor cut where a terminal is narrow."""

    __slots__ = ()


def listed(checks: CheckList) -> Grid:
    """Show which checks there are."""
    return Grid(headings=_HEADINGS[:2], rows=tuple((Name(check.name), check.guards) for check in checks.checks))


def page(report: AuditReport) -> list[Part]:
    """Show a person what an audit found: a line a check, then what is wrong with each offender."""
    shown = len(_HEADINGS) if report.found else len(_HEADINGS) - 1
    rows = tuple((Name(check.name), check.guards, check.found, _in_short(check))[:shown] for check in report.checks)
    caption = f"{report.duration_ms} ms"
    grid = Grid(headings=_HEADINGS[:shown], rows=rows, numbers=("FOUND",), cut=("GUARDS",), caption=caption)
    return [grid, *map(_at_length, report.broken), *_close(report)]


def lines(report: AuditReport) -> list[Part]:
    """Show a machine the same: a line an offender, each whole, so that it can be searched for."""
    rows = tuple(
        (check.name, check.guards, check.found, told) for check in report.checks for told in _told(check) or [""]
    )
    return [Grid(headings=_HEADINGS, rows=rows), *_close(report)]


def summary(report: AuditReport) -> str:
    """Say in one line how it ended."""
    ran = _some(len(report.checks), "check")
    if report.since is not None:
        ran += f" of what moved since {instant(report.since)}"
    if not report.found:
        return f"{ran}, nothing found"
    counts = ", ".join(f"{check.name} {check.found}" for check in report.broken)
    return f"{ran}, {_some(report.found, 'violation')}: {counts}"


def _in_short(check: CheckResult) -> str:
    first = check.first_offenders[:SHOWN_IN_TABLE]
    told = ", ".join(f"{one.kind} {_short_id(one)}" for one in first)
    return f"{told}, …" if check.found > len(first) else told


def _short_id(offender: Offender) -> str:
    return offender.id[:8] if _UUID.fullmatch(offender.id) else offender.id


def _at_length(check: CheckResult) -> str:
    return "\n  ".join([f"\n{check.name}: {check.guards}", *_told(check)])


def _told(check: CheckResult) -> list[str]:
    told = [f"{one.kind} {one.id}: {clean(one.detail)}" for one in check.first_offenders]
    if check.found > len(told):
        told.append(f"and {check.found - len(told)} more")
    return told


def _close(report: AuditReport) -> Iterator[str]:
    """Say what was exempt, and that all is well; what is not well is said as an error."""
    said: list[str] = []
    if report.adoption is not None:
        applied_at = report.adoption.applied_at
        until = "until adoption is applied" if applied_at is None else f"if they were made before {instant(applied_at)}"
        said.append(f"rows of the original worker are exempt from rules that it does not know, {until}")
    if not report.found:
        said.append(summary(report))
    if said:
        yield "\n".join(said)


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
