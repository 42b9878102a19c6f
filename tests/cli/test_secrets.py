"""What no command shows, and what the database never holds: the key, the secrets; and no prompt is told either."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from psycopg import sql

from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import refusal
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.receiver import Receiver
from batchctl.simulator.script import End, Script
from tests.cli.conftest import Shell
from tests.scenario import Company

PROMPT = "PROMPT-MARK"
KEY = "sk-MARKED-KEY-123456"
SECRET = "MARKED-SECRET"
OWN_SECRET = f"whsec_not base64, {SECRET}"
ECHO = f"{KEY} may not ask for {PROMPT}"

FAULTS: dict[str, Script] = {
    "refused": Script(submit_fault=refusal(-1, f"invalid: {ECHO}")),
    "bad request": Script(submit_fault=refusal(-1, ECHO, status=400)),
    "put off": Script(submit_fault=refusal(-1, f"rate limit, {ECHO}", status=429)),
    "broken": Script(submit_fault=refusal(-1, ECHO, status=503)),
    "balance": Script(submit_fault=refusal(-1, f"insufficient credits, {ECHO}")),
    "unknown": Script(submit_fault=refusal(-1, ECHO, status=504)),
    "no JSON": Script(submit_fault=Answer(body=ECHO.encode())),
    "failed": Script(end=End.FAIL, error=ECHO, failure_reason=ECHO),
    "asked in vain": Script(poll_fault=refusal(-1, ECHO, status=500)),
    "poll refused": Script(poll_fault=refusal(-1, ECHO)),
    "on hold": Script(remote_id="on-hold"),
    "fine": Script(),
}
"""By the end of the prompt: how the provider answers, with the key and the prompt in whatever it says in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A company whose prompts, key and secrets are marked."""

    shell: Shell
    company: Company
    provider: SimulatedProvider
    batch_ids: tuple[UUID, ...]

    def databases_text(self) -> str:
        """Return every row of every table as text."""
        tables = self.company.sql(
            "select table_name from information_schema.tables"
            " where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        statements = [sql.SQL("select t::text as row from {} as t").format(sql.Identifier(name)) for (name,) in tables]
        rows = [row.row for statement in statements for row in self.company.conn.execute(statement)]
        return "\n".join(rows)


@pytest.fixture
def marked(company: Company, office: Shell) -> Iterator[Marked]:
    """Give a company with a batch that meets every fault, one that is refused, and receivers that fail and echo."""
    company.sql(
        "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"  # noqa: S608 - our own secret
        " returns table (url text, secret text) language sql stable as $$"
        f" select b.webhook_url, case when b.webhook_url like '%%/own' then '{OWN_SECRET}' end from batch_jobs as b"
        " where b.id = p_batch_id $$"
    )
    company.sql("alter table video_tasks add constraint no_such_id check (grsai_task_id <> 'on-hold')")
    provider = SimulatedProvider(api_key=KEY, script_for=lambda prompt, _: FAULTS[prompt.partition(": ")[2]])
    with provider, Receiver(secret=SECRET) as receiver:
        receiver.script("/hook", then=Answer(status=500, headers={"location": f"/{SECRET}"}, body=SECRET.encode()))
        customer = company.customer(permanent=10_000)
        batch_ids = (
            company.enqueue(customer, [f"{PROMPT}: {fault}" for fault in FAULTS], webhook=f"{receiver.base_url}/hook"),
            company.enqueue(customer, [f"{PROMPT}: fine"], webhook=f"{receiver.base_url}/hook"),
            company.enqueue(company.customer(), [PROMPT], webhook=f"{receiver.base_url}/hook"),
            company.enqueue(company.customer(), [PROMPT], webhook=f"{receiver.base_url}/own"),
        )
        office.environment |= {
            "GRSAI_HOST": provider.base_url,
            "GRSAI_API_KEY": KEY,
            "ENTERPRISE_WEBHOOK_SECRET": SECRET,
            "ENTERPRISE_WEBHOOK_RETRIES": "0",
            "BATCH_POLL_BACKOFF_SECONDS": "0,0,0",
            "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "99",
        }
        yield Marked(shell=office, company=company, provider=provider, batch_ids=batch_ids)
        assert receiver.journal.entries
        assert receiver.journal.badly_signed() == ()


def shown(text: str) -> list[str]:
    """Return which of the marks stand in a text."""
    return [mark for mark in (PROMPT, KEY, "MARKED-KEY", SECRET) if mark in text]


@pytest.mark.parametrize("form", [["run-once", "--json"], ["run-once"], ["--debug", "run-once"]], ids=" ".join)
def test_faults_tell_no_secret(marked: Marked, form: list[str]) -> None:
    """Whatever the provider says of a task, no form of the report holds a prompt, the key or a secret (contract §4)."""
    first, second = marked.shell.run(*form), marked.shell.run(*form)

    assert (first.code, first.err.count("is on hold")) == (1, 1)
    assert shown(first.out + first.err + second.out + second.err) == []
    statuses = {task.status for task in marked.company.tasks(marked.batch_ids[0])}
    assert statuses == {"pending", "processing", "succeeded", "failed"}


@pytest.mark.parametrize("form", [["run-once"], ["--debug", "run-once"]], ids=" ".join)
def test_refused_account_tells_no_secret(marked: Marked, form: list[str]) -> None:
    """A provider that refuses the account, and quotes the key while it does, is told without the key."""
    marked.provider.status = refusal(-1, f"unauthorized: {ECHO}", status=401)

    ran = marked.shell.run(*form)

    assert ran.code == 1
    assert "the provider refuses our account" in ran.err
    assert shown(ran.out + ran.err) == []


@pytest.mark.parametrize("form", [["run-once"], ["--debug", "run-once"]], ids=" ".join)
@pytest.mark.parametrize(
    ("name", "value"), [("GRSAI_API_KEY", f"{KEY} {KEY}"), ("ENTERPRISE_WEBHOOK_SECRET", OWN_SECRET)]
)
def test_wrong_setting_is_not_quoted(office: Shell, form: list[str], name: str, value: str) -> None:
    """A key or a secret that cannot be right is named and not shown, not even in a traceback."""
    ran = office.run(*form, **{name: value})

    assert ran.code == 78
    assert name in ran.err
    assert shown(ran.out + ran.err) == []


def test_database_holds_no_secret(marked: Marked) -> None:
    """Neither the key nor a secret is written down in any table, when provider and receiver repeat them in words."""
    for _ in range(2):
        marked.shell.run("run-once")

    held = marked.databases_text()

    assert "may not ask for" in held  # what the provider said is kept
    assert "WEBHOOK_SECRET" in held  # and so is why the event of the malformed secret waits
    assert set(shown(held)) <= {PROMPT}
