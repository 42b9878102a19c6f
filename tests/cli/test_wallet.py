"""`batchctl wallet show | history | grant | adjust`: credits that move once, and pages that add up."""

import getpass
import json
import socket
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company


def test_grant_makes_a_wallet_that_pays(company: Company, office: Shell) -> None:
    """A new customer gets credits, the ledger says from whom and why, and a batch is paid with them."""
    user = uuid4()
    ran = office.run("wallet", "grant", str(user), "100", "--reason", "invoice 7", "--yes")

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

    assert office.run("wallet", "grant", str(uuid4()), "1", "--reason", "x", "--yes").code == 0

    assert company.sql("select meta from credit_ledger")[0].meta["operator"].startswith("4711@")


def test_bonus_grant_says_until_when(company: Company, office: Shell) -> None:
    """Bonus credits have an expiry from now on; what it did to others is said on stderr."""
    user = company.customer(permanent=5, bonus=30, bonus_days=1)
    grant = ("wallet", "grant", str(user), "10", "--reason", "x", "--yes", "--bonus", "--expires")
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
    rest = ("--reason", "x", "--request-id", "r-1", "--yes")
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

    assert (ran.code, ran.out) == (2, "")
    assert f"`batchctl wallet grant {user} AMOUNT --reason TEXT` makes one" in ran.err


def test_grant_asks_first(company: Company, office: Shell) -> None:
    """Without --yes nobody can be asked here; a rehearsal shows the wallet; what is done is in the history."""
    user = company.customer(permanent=5)
    grant = ("wallet", "grant", str(user), "10", "--reason", "ticket 4711")

    asked, rehearsed = office.run(*grant), office.run(*grant, "--dry-run", "--json")

    assert (asked.code, asked.out) == (2, "")
    assert f"grant 10 permanent credits to customer {user}? Nobody can be asked here; to do it: " in asked.err
    assert asked.err.endswith("--reason 'ticket 4711' --yes\n")
    assert (rehearsed.code, rehearsed.document["dry_run"], rehearsed.document["permanent_credits"]) == (0, True, 15)
    assert rehearsed.err == "nothing was written: this is what would be\n"
    assert (company.wallet(user), company.sql("select 1 from operator_actions")) == ((5, 0), [])

    assert office.run(*grant, "--yes").code == 0
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["command"], action["reason"], action["credits"], action["changed_count"]) == (
        "wallet grant",
        "ticket 4711",
        10,
        1,
    )


def test_bonus_without_an_expiry_is_said(company: Company, office: Shell) -> None:
    """Who grants bonus credits to a wallet with some that have no expiry is told before, and nothing is destroyed."""
    user = company.customer(bonus=30, bonus_days=None)

    ran = office.run("wallet", "grant", str(user), "10", "--reason", "x", "--bonus", "--expires", "7d", "--yes")

    assert ran.code == 0
    assert ran.err.startswith("30 bonus credits of this wallet had no expiry and paid for nothing; they get this one")
    assert company.wallet(user) == (0, 40)


@pytest.mark.parametrize(("amount", "after"), [("-30", 70), ("+30", 130), ("30", 130), ("-100", 0)])
def test_adjustment_goes_both_ways(company: Company, office: Shell, amount: str, after: int) -> None:
    """A sign says which way; the record names who, how much and why."""
    user = company.customer(permanent=100)
    adjust = ("wallet", "adjust", str(user), amount, "--reason", "ticket 4711")

    asked, ran = office.run(*adjust), office.run(*adjust, "--yes")

    assert (asked.code, asked.out) == (2, "")
    assert f"customer {user}, which leaves {after} available? Nobody can be asked here" in asked.err
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1] == f"{user}\t{int(amount)}\tpermanent\t{after}\t0\t\t{after}".replace(
        "\t0\t\t", f"\t0\t{_expiry(company)}\t"
    )
    assert company.wallet(user) == (after, 0)
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["arguments"], action["credits"]) == ({"user": str(user), "amount": int(amount)}, abs(int(amount)))


def _expiry(company: Company) -> str:
    (row,) = company.sql("select bonus_expires_at from credit_wallet")
    return str(row.bonus_expires_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))


def test_adjustment_never_goes_below_zero(company: Company, office: Shell) -> None:
    """More than there is cannot be taken, which is told before anybody is asked."""
    user = company.customer(permanent=100, bonus=20)

    ran = office.run("wallet", "adjust", str(user), "-21", "--bonus", "--reason", "x", "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert "the wallet holds 20 bonus credits, 21 cannot be taken: nothing was changed" in ran.err
    assert (company.wallet(user), company.sql("select 1 from operator_actions")) == ((100, 20), [])


def test_repeated_adjustment_is_made_once(company: Company, office: Shell) -> None:
    """A script that runs twice adjusts once, and is done both times, the second time without being asked."""
    user = company.customer(permanent=100)
    adjust = ("wallet", "adjust", str(user), "-30", "--reason", "x", "--request-id", "r-1")

    first, again = office.run(*adjust, "--yes"), office.run(*adjust, "-o", "csv")

    assert (first.code, again.code) == (0, 0)
    assert again.err == "already adjusted under this request id: nothing was written\n"
    assert again.out.splitlines()[1].startswith(f"{user},0,permanent,70,")
    assert company.wallet(user) == (70, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0", "--reason", "x", "--yes"], "an adjustment is a whole number of credits"),
        (["-5"], "--reason"),
        (["--reason", "x"], "±AMOUNT"),
        (["-5", "--reason", "x", "--boms"], "--boms"),
        (["-x", "--reason", "x"], "Invalid value for '±AMOUNT'"),
        (["-5", "--reason", " ", "--yes"], "--reason must be text"),
    ],
)
def test_wrong_adjustments_are_wrong_usage(company: Company, office: Shell, arguments: list[str], said: str) -> None:
    """An adjustment that cannot be is refused with exit code 2."""
    ran = office.run("wallet", "adjust", str(company.customer(permanent=9)), *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_history_in_every_form(company: Company, office: Shell) -> None:
    """Rows with running balances as a table that fits, lines, a document, a line of JSON each, and CSV."""
    user = company.customer(permanent=100)
    batch = company.enqueue(user, 2)
    company.run_until_quiet()
    command = ("wallet", "history", str(user))

    table = office.on_terminal(80, *command).out
    plain = office.run(*command).out.splitlines()
    document = office.run(*command, "--json").document
    lines = [json.loads(line) for line in office.run(*command, "-o", "jsonl").out.splitlines()]
    csv = office.run(*command, "--type", "spend", "--batch", str(batch)[:8], "-o", "csv").out.splitlines()

    assert max(map(len, table.splitlines())) <= 80
    assert plain[0] == "AT\tLEDGER\tBUCKET\tCREDITS\tBUCKET AFTER\tALL AFTER\tFOR"
    assert plain[1].endswith(f"Z\tspend\tpermanent\t-20\t80\t80\t{batch}")
    assert (document["schema"], document["entries"][0]["total_after"]) == ("batchctl/wallet.history/1", 80)
    assert [line["credits_delta"] for line in lines] == [-20, 100]
    assert len(csv) == 2
    limited = office.run(*command, "--limit", "1")
    assert limited.err == "1 shown, more match: --limit N shows more\n"
    nothing = office.run(*command, "--since", "2030-01-01")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == "the ledger has no row of this customer that matches\n"


def test_show_takes_a_limit_and_forms(company: Company, office: Shell) -> None:
    """So many rows of the ledger are shown as are asked for; a page of several tables is no CSV."""
    user = company.customer(permanent=100, bonus=30)

    assert len(office.run("wallet", "show", str(user), "--limit", "1", "-o", "json").document["ledger"]) == 1
    assert office.run("wallet", "show", str(user), "-o", "csv").code == 2
    assert "bonus_grant" in office.run("wallet", "show", str(user), "-o", "table").out
