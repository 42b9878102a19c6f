"""`batchctl wallet show | grant`: credits that come in, once, and a page that adds up."""

import getpass
import socket
from datetime import datetime
from uuid import uuid4

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company


def test_grant_makes_a_wallet_that_pays(company: Company, office: Shell) -> None:
    """A new customer gets credits, the ledger says from whom and why, and a batch is paid with them."""
    user = uuid4()
    ran = office.run("wallet", "grant", str(user), "100", "--reason", "invoice 7")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"CUSTOMER\tGRANTED\tBUCKET\tPERMANENT\tBONUS\tBONUS UNTIL\tAVAILABLE\n{user}\t100\tpermanent\t100\t0\t\t100\n"
    )
    (row,) = company.sql("select meta from credit_ledger")
    assert row.meta == {"reason": "invoice 7", "operator": f"{getpass.getuser()}@{socket.gethostname()}"}
    company.clock.advance(60)
    batch = company.enqueue(user, 2)
    company.run_until_quiet()
    assert company.batch(batch).credits_spent == 20


def test_operator_without_an_account_is_named_by_number(
    company: Company, office: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system knows no name, as in many containers, the number stands in the ledger."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)

    assert office.run("wallet", "grant", str(uuid4()), "1", "--reason", "x").code == 0

    assert company.sql("select meta from credit_ledger")[0].meta["operator"].startswith("4711@")


def test_bonus_grant_says_until_when(company: Company, office: Shell) -> None:
    """Bonus credits have an expiry from now on; what it did to others is said on stderr."""
    user = company.customer(permanent=5, bonus=30, bonus_days=1)
    grant = ("wallet", "grant", str(user), "10", "--reason", "x", "--bonus", "--expires")
    document = office.run(*grant, "7d", "--json").document
    shorter = office.run(*grant, "1h")

    assert (document["schema"], document["bucket"], document["bonus_credits"]) == (
        "batchctl/wallet.grant/1",
        "bonus",
        40,
    )
    days = (datetime.fromisoformat(document["bonus_expires_at"]) - company.clock.now).total_seconds() / 86_400
    assert days == pytest.approx(7, abs=0.01)
    assert shorter.err == (
        f"bonus credits of this wallet are valid until {document['bonus_expires_at']} already: "
        "that holds for the new ones too, for a wallet has one expiry\n"
    )
    assert company.wallet(user) == (5, 50)


def test_repeated_request_id_grants_once(company: Company, office: Shell) -> None:
    """A script that runs twice grants once, and is done both times; another amount is a mistake."""
    user = uuid4()
    grant = ("wallet", "grant", str(user))
    rest = ("--reason", "x", "--request-id", "r-1")
    first, again, other = (office.run(*grant, amount, *rest) for amount in ("10", "10", "11"))

    assert (first.code, again.code, other.code) == (0, 0, 1)
    assert again.err == "already granted under this request id: nothing was written\n"
    assert again.out.split("\n")[1] == f"{user}\t0\tpermanent\t10\t0\t\t10"
    assert "stands for a grant of 10 permanent credits, not of 11 permanent ones: nothing was granted" in other.err
    assert company.wallet(user) == (10, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0", "--reason", "x"], "AMOUNT"),
        (["-5", "--reason", "x"], ""),
        (["1.5", "--reason", "x"], "AMOUNT"),
        (["9223372036854775808", "--reason", "x"], "a grant is a whole number of credits from 1 to"),
        (["5"], "--reason"),
        (["5", "--reason", " "], "--reason must be text"),
        (["5", "--reason", "x", "--bonus"], "--bonus and --expires TIME go together"),
        (["5", "--reason", "x", "--expires", "7d"], "--bonus and --expires TIME go together"),
        (["5", "--reason", "x", "--bonus", "--expires", "soon"], "'soon' is no time: write 90s"),
        (["5", "--reason", "x", "--bonus", "--expires", "2020-01-01"], "--expires must lie in the future"),
    ],
)
def test_wrong_grants_are_wrong_usage(office: Shell, company: Company, arguments: list[str], said: str) -> None:
    """A grant that cannot be is refused with exit code 2, and no wallet is made."""
    ran = office.run("wallet", "grant", str(uuid4()), *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert company.sql("select user_id from credit_wallet") == []


def test_show_is_a_page_and_a_document(company: Company, office: Shell) -> None:
    """What a customer has is a page on a terminal, lines in a pipe, and a document."""
    user = company.customer(permanent=100, bonus=30)

    page = office.run("wallet", "show", str(user))
    terminal = office.on_terminal(80, "wallet", "show", str(user))
    document = office.run("wallet", "show", str(user), "--json").document

    assert (page.code, page.err) == (0, "")
    assert "available now\t130\t\n" in page.out
    assert "sum of the ledger" in terminal.out
    assert max(map(len, terminal.out.splitlines())) <= 80
    assert (document["schema"], document["available_credits"], document["difference_credits"]) == (
        "batchctl/wallet.show/1",
        130,
        0,
    )
    assert [line["credits_delta"] for line in document["ledger"]] == [30, 100]


def test_no_wallet_is_a_problem(office: Shell) -> None:
    """A customer without a wallet is told with the command that makes one."""
    user = uuid4()
    ran = office.run("wallet", "show", str(user))

    assert (ran.code, ran.out) == (1, "")
    assert f"`batchctl wallet grant {user} AMOUNT --reason TEXT` makes one" in ran.err
