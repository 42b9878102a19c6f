"""Reports are summed figure by figure, and the most urgent cause decides the exit code."""

from itertools import permutations

import pytest

from batchctl.domain.report import (
    DispatchReport,
    Finding,
    PassReport,
    PollReport,
    add,
    exit_code,
    judged,
)


@pytest.mark.parametrize("codes", [order for size in (1, 2, 3) for order in permutations((78, 69, 1), size)])
def test_the_most_urgent_cause_decides(codes: tuple[int, ...]) -> None:
    """Of several causes 78 comes before 69 before 1, in whatever order they were found (contract §6)."""
    findings = [Finding(message=str(code), exit_code=code) for code in codes]

    assert exit_code(findings) == next(code for code in (78, 69, 1) if code in codes)


def test_nothing_found_is_success() -> None:
    """Without a finding the exit code is 0."""
    assert exit_code([]) == 0


def test_sums_are_figure_by_figure() -> None:
    """Each figure and each refusal is summed, a finding that both have is kept once."""
    again = Finding(message="again")
    one = PassReport(dispatch=DispatchReport(claimed=1, frozen=1, refusals={"A": 1}), duration_ms=5, findings=(again,))
    other = PassReport(
        dispatch=DispatchReport(claimed=2, frozen=1, refusals={"A": 1, "B": 1}), duration_ms=6, findings=(again,)
    )

    total = add(one, other)

    assert total.dispatch == DispatchReport(claimed=3, frozen=2, refusals={"A": 2, "B": 1})
    assert (total.passes, total.duration_ms, total.findings) == (2, 11, (again,))


@pytest.mark.parametrize(("failed", "is_found"), [(3, True), (2, False)])
def test_provider_is_unreachable_only_if_no_request_got_through(failed: int, *, is_found: bool) -> None:
    """All requests of all stages must have failed to connect (contract §6, exit code 69)."""
    report = PassReport(
        dispatch=DispatchReport(requests=1, connect_failures=1),
        poll=PollReport(requests=2, connect_failures=failed - 1),
    )

    assert [finding.exit_code for finding in judged(report).findings] == ([69] if is_found else [])
