"""Whatever a customer's receiver does wrong, it hears each event, always the same one, and nobody else waits (§5)."""

import pytest

from tests.conftest import Conn
from tests.faults.address_trials import (
    NAME_FAULTS,
    TLS_FAULTS,
    name_trial,
    plain_text_trial,
    rebinding_trial,
    tls_trial,
)
from tests.faults.receiver_faults import FAMILIES
from tests.faults.receiver_trials import database_away_trial, dead_crowd_trial, fault_trial, redirect_trial
from tests.scenario import Company


@pytest.mark.parametrize("family", FAMILIES)
def test_faults(company: Company, family: str) -> None:
    """The first try ends as the table says, after its deadline at the latest; the next one delivers the same event."""
    fault_trial(company, FAMILIES[family]())


def test_redirects(company: Company) -> None:
    """No redirect is followed, neither to an internal address nor anywhere else."""
    redirect_trial(company)


@pytest.mark.parametrize("name", TLS_FAULTS)
def test_tls(company: Company, name: str) -> None:
    """A receiver whose TLS does not hold is sent nothing, and the reason is written down."""
    tls_trial(company, name)


def test_plain_text_where_tls_is_due(company: Company) -> None:
    """Nothing is sent in the clear to an address that says https."""
    plain_text_trial(company)


@pytest.mark.parametrize("name", NAME_FAULTS)
def test_name(company: Company, name: str) -> None:
    """Whatever a receiver's name leads to, no connection is made to an address that is not public."""
    name_trial(company, name)


def test_rebinding(company: Company) -> None:
    """The address that was checked is the one that is connected to, for a name is looked up once for a try."""
    rebinding_trial(company)


def test_database_goes_when_the_receiver_has_answered(company: Company, pg_admin: Conn) -> None:
    """What could not be written down is told once more, under the same id and word by word."""
    database_away_trial(company, pg_admin)


def test_one_healthy_receiver_among_dead_ones(company: Company) -> None:
    """It hears at once, and neither settling nor telling waits for the dead."""
    dead_crowd_trial(company)
