"""How answers of a diagnosis are judged."""

from datetime import timedelta

import pytest

from batchctl.domain.doctor import (
    Diagnosis,
    DoctorReport,
    LackingRight,
    Level,
    Server,
    judge_rights,
    judge_secret,
    judge_server,
    judge_skew,
)


@pytest.mark.parametrize(
    ("secret", "level"),
    [
        (None, Level.WARN),
        ("...", Level.FAIL),
        ("Changeme", Level.FAIL),
        ("s3cret", Level.WARN),
        ("kR7fLw2mQ9xZ4vTn", Level.OK),
    ],
)
def test_secrets(secret: str | None, level: Level) -> None:
    """The seed's placeholder is a failure, no secret or a short one a warning; the secret itself is never said."""
    line = judge_secret("secret", secret, "set it")
    assert line.level is level
    assert secret is None or secret not in line.found + line.advice


@pytest.mark.parametrize(
    ("is_local", "is_encrypted", "level"),
    [(True, False, Level.OK), (False, True, Level.OK), (False, False, Level.WARN)],
)
def test_connections(is_local: bool, is_encrypted: bool, level: Level) -> None:  # noqa: FBT001 - cases of a table
    """A connection over the network must be encrypted."""
    server = Server(version="18", role_name="w", is_local=is_local, is_encrypted=is_encrypted, may_rewrite_ledger=False)
    assert [line.level for line in judge_server(server)] == [level]


def test_owner_is_told_of_the_role() -> None:
    """A worker that may rewrite the ledger may do too much."""
    server = Server(version="18", role_name="owner", is_local=True, is_encrypted=False, may_rewrite_ledger=True)
    assert "batch_worker" in list(judge_server(server))[-1].advice


def test_lacking_rights_are_a_matter_of_configuration() -> None:
    """Each missing right is named."""
    line = judge_rights("w", [LackingRight(relation="runs", privilege="insert")])
    assert (line.exit_code, line.found) == (78, "w lacks insert on runs")
    assert judge_rights("w", []).level is Level.OK


@pytest.mark.parametrize(("seconds", "words"), [(2, "2.0 s ahead of"), (-2, "2.0 s behind"), (90, "90.0 s ahead of")])
def test_clocks(seconds: float, words: str) -> None:
    """A clock may be some seconds off."""
    line = judge_skew(timedelta(seconds=seconds))
    assert words in line.found
    assert (line.level is Level.OK) == (abs(seconds) < 30)


@pytest.mark.parametrize(("asked", "code"), [((), 0), ((1,), 1), ((1, 69), 69), ((69, 78, 1), 78)])
def test_exit_code(asked: tuple[int, ...], code: int) -> None:
    """78 goes before 69 before 1; warnings ask for none."""
    lines = [Diagnosis(check="", level=Level.FAIL, found="", exit_code=each) for each in asked]
    warning = Diagnosis(check="", level=Level.WARN, found="")
    assert DoctorReport(diagnoses=(warning, *lines)).exit_code == code
