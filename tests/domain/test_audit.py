"""Which rows an audit exempts, and which checks are meant."""

from datetime import UTC, datetime, timedelta

import pytest

from batchctl.domain.adoption import Adoption
from batchctl.domain.audit import Check, choose, old_before
from batchctl.domain.problem import UsageProblem

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CHECKS = [Check(name=name, guards="It is so.") for name in ("m1_wallets", "m10_requests", "w1_events")]


def test_own_database_has_no_old_rows() -> None:
    """Where no original worker ever was nothing is exempt."""
    assert old_before(None) < datetime(1900, 1, 1, tzinfo=UTC)


def test_rows_are_old_until_adoption_is_applied() -> None:
    """While the original worker may still run every row may be its; then only those made before it was gone."""
    assert old_before(Adoption(adopted_at=NOON, applied_at=None)) > NOON + timedelta(days=36500)
    assert old_before(Adoption(adopted_at=NOON, applied_at=NOON)) == NOON


def test_code_means_one_check() -> None:
    """m1 is not m10; a beginning of a name is no name."""
    assert [check.name for check in choose(CHECKS, ["m1"])] == ["m1_wallets"]
    assert [check.name for check in choose(CHECKS, ["W1", "m10_requests"])] == ["m10_requests", "w1_events"]
    for written in ("m", "m1_", "m1_wallet", ""):
        with pytest.raises(UsageProblem, match="there is no check"):
            choose(CHECKS, [written])
