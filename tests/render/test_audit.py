"""The audit as a page: whole lines for machines, short ones for people, nothing harmful from strangers."""

from datetime import UTC, datetime
from uuid import UUID

from batchctl.domain.adoption import Adoption
from batchctl.domain.audit import AuditReport, CheckResult, Offender
from batchctl.render.audit import lines, page, summary
from batchctl.render.grid import Grid, Part, plain

BATCH = UUID("0033894e-1111-4222-8333-444455556666")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def check(found: int = 0, *offenders: Offender) -> CheckResult:
    """Return the result of a check."""
    return CheckResult(name="m1_x", guards="It is so.", found=found, duration_ms=3, first_offenders=offenders)


def report(*checks: CheckResult, since: datetime | None = None, adoption: Adoption | None = None) -> AuditReport:
    """Return a report of checks."""
    found = sum(one.found for one in checks)
    return AuditReport(since=since, adoption=adoption, found=found, duration_ms=7, checks=checks)


def rows(part: Part) -> tuple[tuple[object, ...], ...]:
    """Return the rows of a table."""
    assert isinstance(part, Grid)
    return part.rows


def test_person_reads_a_line_a_check() -> None:
    """A person sees each check in a line with short ids, and below all that is known of its offenders."""
    first = [Offender(kind="batch", id=str(BATCH), detail=f"like {BATCH}"), Offender(kind="row", id="17", detail="odd")]

    table, below = page(report(check(5, *first), check()))

    assert rows(table) == (("m1_x", "It is so.", 5, "batch 0033894e, row 17, …"), ("m1_x", "It is so.", 0, ""))
    assert below == f"\nm1_x: It is so.\n  batch {BATCH}: like {BATCH}\n  row 17: odd\n  and 3 more"


def test_cell_names_a_few() -> None:
    """However many offenders are asked for, the table names the first three."""
    table, _ = page(report(check(4, *(Offender(kind="row", id=str(number), detail="odd") for number in range(4)))))

    assert rows(table)[0][3] == "row 0, row 1, row 2, …"


def test_machine_reads_whole_lines() -> None:
    """Into a pipe each line has all that it needs, ids are whole."""
    one = Offender(kind="batch", id=str(BATCH), detail="odd")

    (table,) = lines(report(check(2, one), check()))

    assert rows(table) == (
        ("m1_x", "It is so.", 2, f"batch {BATCH}: odd"),
        ("m1_x", "It is so.", 2, "and 1 more"),
        ("m1_x", "It is so.", 0, ""),
    )


def test_strangers_text_is_harmless() -> None:
    """What a row says cannot move the cursor or pretend to be another line."""
    (table,) = lines(report(check(1, Offender(kind="task", id="1", detail="a\n\x1b[2Jb\tc"))))

    assert plain(table).splitlines()[1] == "m1_x\tIt is so.\t1\ttask 1: a⏎\\x1b[2Jb⇥c"


def test_summary_counts() -> None:
    """The last line says how many checks ran, on what, and what they found."""
    assert summary(report(check())) == "1 check, nothing found"
    assert summary(report(check(), check(), since=NOON)) == (
        "2 checks of what moved since 2026-01-31T12:00:00Z, nothing found"
    )
    assert summary(report(check(1), check(), check(2))) == "3 checks, 3 violations: m1_x 1, m1_x 2"


def test_end_of_the_page() -> None:
    """The last line says that nothing was found; what was found is said as an error instead, and not twice."""
    assert page(report(check()))[1:] == ["1 check, nothing found"]
    assert lines(report(check()))[1:] == ["1 check, nothing found"]
    assert lines(report(check(1)))[1:] == []


def test_exemptions_are_said() -> None:
    """On an adopted database the page says that old rows are exempt, and until when."""
    running, applied = (Adoption(adopted_at=NOON, applied_at=at) for at in (None, NOON))
    exempt = "rows of the original worker are exempt from rules that it does not know, "

    assert page(report(check(), adoption=running))[1] == f"{exempt}until adoption is applied\n1 check, nothing found"
    assert lines(report(check(1), adoption=applied))[1] == f"{exempt}if they were made before 2026-01-31T12:00:00Z"
