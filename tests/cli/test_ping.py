"""`batchctl webhook test`: a ping in every form, its exit codes, and what it refuses."""

from uuid import uuid4

import pytest

from batchctl.simulator.answer import Answer
from tests.cli.conftest import Shell
from tests.scenario import KEY, Company


def test_delivered_is_0(company: Company, office: Shell) -> None:
    """One line with what the receiver answered; nothing is written down, in any table."""
    company.receiver.script("/hook?token=hunter2", Answer(status=202, body=b"pong"))
    ran = office.run("webhook", "test", f"{company.receiver.base_url}/hook?token=hunter2")
    assert (ran.code, ran.err) == (0, "")
    head, line = ran.out.rstrip("\n").split("\n")
    told = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert (told["RESULT"], told["CODE"], told["ANSWER"]) == ("delivered", "202", "pong")
    assert (told["RECEIVER"], told["SIGNED WITH"]) == (company.receiver.base_url, "the default secret")
    assert "hunter2" not in ran.out
    for table in ("webhook_deliveries", "delivery_attempts", "operator_actions", "runs"):
        assert company.sql(f"select 1 from {table}") == []  # noqa: S608 - a name of ours


def test_not_delivered_is_1_and_says_why(company: Company, office: Shell) -> None:
    """A refusal of the receiver, or of the guard, which names the setting."""
    company.receiver.script("/hook", then=Answer(status=503))
    ran = office.run("webhook", "test", f"{company.receiver.base_url}/hook", "--json")
    assert (ran.code, ran.err) == (1, "error: HTTP 503\n")
    assert (ran.document["schema"], ran.document["status_code"]) == ("batchctl/webhook.test/1", 503)
    ran = office.run("webhook", "test", company.receiver.base_url, ENTERPRISE_WEBHOOK_ALLOW_INSECURE="false")
    assert (ran.code, "ENTERPRISE_WEBHOOK_ALLOW_INSECURE=true allows it" in ran.err) == (1, True)


def test_endpoint_and_customer(company: Company, office: Shell) -> None:
    """Signed with the secret of the endpoint, by whichever of the three ways it is named; disabled ones say so."""
    office.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = KEY
    user, url = str(uuid4()), f"{company.receiver.base_url}/hook"
    added = office.run("webhook", "endpoint", "add", user, url, "--json").document
    company.receiver.know("/hook", added["secret"])
    endpoint = added["endpoint"]["id"]
    for which in (["--endpoint", endpoint[:8]], [url, "--user", user]):
        document = office.run("webhook", "test", *which, "--json").document
        assert (document["delivered"], document["is_own_secret"]) == (True, True)
    ran = office.run("webhook", "test", "--user", user)
    assert (ran.code, "write an address" in ran.err) == (2, True)
    office.run("webhook", "endpoint", "disable", endpoint, "--reason", "x")
    ran = office.run("webhook", "test", "--endpoint", endpoint)
    assert (ran.code, f"`batchctl webhook endpoint enable {endpoint}` ends that" in ran.err) == (0, True)


@pytest.mark.parametrize("arguments", [[], ["https://x.example", "--endpoint", "0033"], ["--endpoint", "0", "--user"]])
def test_wrong_usage_is_2(office: Shell, arguments: list[str]) -> None:
    """Nowhere, or two places at once."""
    extra = [str(uuid4())] if arguments[-1:] == ["--user"] else []
    assert office.run("webhook", "test", *arguments, *extra).code == 2
