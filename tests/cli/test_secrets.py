"""What no command shows, and what the database never holds: the key, the secrets; and no prompt is told either."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import quote
from uuid import UUID

import pytest
from psycopg.conninfo import make_conninfo

from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import refusal
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.receiver import Receiver
from batchctl.simulator.script import End, Script
from tests.cli.conftest import Ran, Shell
from tests.cli.tour import built_once, commands, plain_form, spoilt, tour, untaught
from tests.conftest import pg_dump, scratch_directory
from tests.scenario import Company

PROMPT = "PROMPT-MARK"
KEY = "sk-MARKED-KEY-123456"
SECRET = "MARKED-SECRET"
OWN_SECRET = f"whsec_not base64, {SECRET}"
WORKER_SECRET = "MARKED-TRIGGER"
SEALING_KEY = f"MARKED-SEAL{'A' * 32}="
PASSWORD = "MARKED-DB:p@ss/w%rd"
ENCODED = quote(PASSWORD, safe="")
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
    "id": Script(remote_id=f"task-{KEY}"),
    "link": Script(video_url=f"https://cdn.test/v.mp4?key={KEY}"),
    "encoded": Script(video_url="https://cdn.test/" + "".join(f"%{ord(char):02x}" for char in KEY)),
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
        """Return every row of the database as pg_dump writes it."""
        return pg_dump(self.company.dsn, "--data-only")

    def values(self, directory: Path) -> dict[str, str]:
        """Return what fits for the arguments of every command."""
        tasks = directory / "tasks.jsonl"
        tasks.write_text(f'{{"prompt": "{PROMPT}"}}\n')
        user = str(self.company.sql("select user_id from batch_jobs limit 1")[0].user_id)
        batch = str(self.batch_ids[0])[:8]
        secret = directory / "secret"
        secret.write_text(f"{SECRET}-of-an-endpoint\n")
        add = (
            "webhook",
            "endpoint",
            "add",
            user,
            "https://customer.example/first",
            "--secret-file",
            str(secret),
            "--json",
        )
        endpoint = str(self.shell.run(*add).document["endpoint"]["id"])
        return VALUES | {
            "FILE": str(tasks),
            "--secret-file": str(secret),
            **dict.fromkeys(("UUID", "USER"), user),
            **dict.fromkeys(("BATCH", "ID"), batch),
            "TASK": str(self.company.tasks(self.batch_ids[0])[0].id),
            "ENDPOINT": endpoint,
            "DELIVERY": str(self.company.sql("select id from webhook_deliveries limit 1")[0].id),
        }


VALUES = {
    "AMOUNT": "5",
    "±AMOUNT": "5",
    "STAGE": "poll",
    "--type": "spend",
    "BATCH": "0033894e",
    "CREDITS": "10",
    "DIR": "/dev/null/nowhere",
    "DELIVERY": "0033894e",
    "ENDPOINT": "0033894e",
    "EVERY": "2s",
    "FILE": "/dev/null/tasks.jsonl",
    "HEADER": "webhook-id: 0033894e",
    "HOST": "customer.example",
    "ID": "0033894e",
    "N": "3",
    "NAME": "sora-2",
    "PROVIDER_ID": "14-0033894e",
    "PATH": "/dev/null/nowhere",
    "PERCENT": "5%",
    "SECONDS": "0.1",
    "SHELL": "bash",
    "TASK": "0033894e",
    "TEXT": "a reason",
    "TIME": "1h",
    "URL": "https://customer.example/hook",
    "USER": "7e5e7bba-0000-4000-8000-000000000001",
    "UUID": "7e5e7bba-0000-4000-8000-000000000001",
    "--by": "reason",
    "--event": "batch.failed",
    "--expires": "30d",
    "--format": "jsonl",
    "--log-format": "json",
    "--older-than": "30d",
    "--only": "m1",
    "--output": "json",
    "--role": "batchctl",
    "--secret-file": "/dev/null/secret",
    "--failure-type": "model_error",
    "--status": "failed",
}
"""What fits for values by what stands for them in the help."""
MORE = (
    ("hold", "release", "--all", "--dry-run", "--json"),
    ("hold", "release", "--all", "--yes"),
    ("webhook", "resend", "--failed", "--since", "7d", "--yes"),
    ("webhook", "recover", "--since", "7d", "--yes"),
    ("batch", "cancel", "--since", "7d", "--dry-run"),
    ("batch", "retry", "--since", "7d", "--dry-run"),
    ("task", "retry", "--since", "7d", "--dry-run"),
    ("batch", "retry", "--since", "7d", "--yes"),
    ("task", "retry", "--since", "7d", "--again", "--yes"),
    ("batch", "cancel", "--since", "7d", "--yes"),
    ("webhook", "resend", "--failed", "--since", "7d", "--dry-run", "--json"),
)
"""Forms that need several options at once."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spare each command of a tour what is the same for all, and let files that it writes stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    built_once(monkeypatch)


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
            "BATCHCTL_DATABASE_URL": make_conninfo(company.dsn, password=PASSWORD),
            "ENTERPRISE_WEBHOOK_SECRET": SECRET,
            "ENTERPRISE_WEBHOOK_SECRETS_KEY": SEALING_KEY,
            "INTERNAL_WORKER_SECRET": WORKER_SECRET,
            "ENTERPRISE_WEBHOOK_RETRIES": "0",
            "BATCH_POLL_BACKOFF_SECONDS": "0,0,0",
            "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "99",
        }
        yield Marked(shell=office, company=company, provider=provider, batch_ids=batch_ids)
        assert receiver.journal.entries
        assert receiver.journal.badly_signed() == ()


def shown(text: str) -> list[str]:
    """Return which of the marks stand in a text."""
    return [mark for mark in (PROMPT, *SECRETS) if mark.lower() in text.lower()]


SECRETS = (KEY, "MARKED-KEY", SECRET, WORKER_SECRET, "MARKED-SEAL", PASSWORD, ENCODED, "MARKED-DB", "p@ss", "p%40ss")


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

    assert "*** may not ask for" in held  # what the provider said is kept, without the key
    assert "WEBHOOK_SECRET" in held  # and so is why the event of the malformed secret waits
    assert set(shown(held)) <= {PROMPT}


STAYS_AT_HOME = frozenset({"demo", "batch watch", "worker"})
"""A command with a database and secrets of its own, known to everybody; and one that shows what `batch show` shows,
until a batch ends that here never does."""
NEEDS_NOTHING = frozenset({"completion", "webhook endpoint key"})
"""Commands that look at no setting and no database."""
NEEDS_NO_DATABASE = frozenset({"config show"})
"""Commands that are done as long as no setting is wrong."""


def test_every_kind_of_value_is_known() -> None:
    """A new option with a new kind of value is a new place where something could be told: VALUES must know it."""
    assert untaught(VALUES) == set()


def test_no_command_tells_a_secret(marked: Marked, tmp_path: Path) -> None:
    """Every command in every form, after two passes with every fault, with right values and with wrong ones."""
    for _ in range(2):
        marked.shell.run("run-once")
    values = marked.values(tmp_path)
    codes: dict[str, set[int]] = {path: set() for path in commands()}
    for arguments in (*tour(values, without=STAYS_AT_HOME), *MORE, *spoilt(values, "no-such", without=STAYS_AT_HOME)):
        ran = marked.shell.run("--debug", *arguments)
        assert told(ran) == [], arguments
        # A rate that is over a limit is a problem, too, which --debug shows the place of.
        assert "Traceback" not in ran.err or ran.code != 1 or "--fail-over" in arguments, (arguments, ran.err)
        for path in commands():
            if arguments[: len(path.split())] == tuple(path.split()) and "--help" not in arguments:
                codes[path].add(ran.code)

    assert [path for path, seen in codes.items() if not seen & {0, 1} and path not in STAYS_AT_HOME] == []
    assert [mark for mark in shown(marked.databases_text()) if mark != PROMPT] == []


def told(ran: Ran) -> list[str]:
    """Return which secrets a command told; what it was asked to show of a batch may hold the prompt."""
    return [mark for mark in shown(ran.out + ran.err) if mark != PROMPT]


NOWHERE = f"postgresql://u:{ENCODED}@127.0.0.1:1/db"
FAILURES: dict[str, dict[str, str]] = {
    "nobody answers": {"BATCHCTL_DATABASE_URL": NOWHERE},
    "nobody answers, as pairs": {"BATCHCTL_DATABASE_URL": f"host=127.0.0.1 port=1 password='{PASSWORD}'"},
    "no such socket": {"BATCHCTL_DATABASE_URL": f"postgresql://u:{ENCODED}@%2Fnowhere/db"},
    "not encoded": {"BATCHCTL_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:1/db"},
    "a slash": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB/x@127.0.0.1:1/db"},
    "an at": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB@MARKED-DB@127.0.0.1:1/db"},
    "a question mark": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB?MARKED-DB@127.0.0.1:1/db"},
    "no host": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB"},
    "bad encoding": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB%ZZ@127.0.0.1:1/db"},
    "unknown option": {"BATCHCTL_DATABASE_URL": f"{NOWHERE}?passwort=MARKED-DB"},
    "no quote": {"BATCHCTL_DATABASE_URL": "host=127.0.0.1 password='MARKED-DB"},
    "no pairs": {"BATCHCTL_DATABASE_URL": "MARKED-DB"},
    "not text": {"BATCHCTL_DATABASE_URL": "postgresql://u:MARKED-DB\udcff@127.0.0.1:1/db"},
    "bad number": {"BATCHCTL_DATABASE_URL": f"{NOWHERE}?connect_timeout=1", "BATCH_MAX_IN_FLIGHT": KEY},
    "bad host": {"GRSAI_HOST": f"https://u:{KEY}@provider.example"},
    "bad callback": {"BATCH_CALLBACK_BASE_URL": f"ftp://u:{KEY}@shop.example"},
    "bad key": {"GRSAI_API_KEY": f"{KEY} {KEY}"},
    "bad sealing key": {"ENTERPRISE_WEBHOOK_SECRETS_KEY": f"{SEALING_KEY},MARKED-SEAL"},
    "bad secret": {"ENTERPRISE_WEBHOOK_SECRET": OWN_SECRET},
    "both ways": {"GRSAI_API_KEY": KEY, "GRSAI_API_KEY_FILE": f"/{KEY}"},
    "secret for a path": {"GRSAI_API_KEY": "", "GRSAI_API_KEY_FILE": KEY},
    "url for a path": {"BATCHCTL_DATABASE_URL": "", "BATCHCTL_DATABASE_URL_FILE": NOWHERE},
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_secret(shell: Shell, failure: str) -> None:
    """Whatever is wrong with the settings or the database, each command says so, and in its traceback too, without.

    All of them read the settings in one place, so each failure is shown to a fifth of them, another one each time.
    """
    shell.environment = {
        "BATCHCTL_DATABASE_URL": NOWHERE,
        "GRSAI_API_KEY": KEY,
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_SECRETS_KEY": SEALING_KEY,
        "INTERNAL_WORKER_SECRET": WORKER_SECRET,
    } | FAILURES[failure]
    turn = [*FAILURES].index(failure) % 5
    for path in sorted(commands().keys() - STAYS_AT_HOME - NEEDS_NOTHING)[turn::5]:
        ran = shell.run("--debug", *plain_form(path, VALUES))
        assert ran.code in ({0, 78} if path in NEEDS_NO_DATABASE else {2, 69, 78}), (path, ran.err)
        assert told(ran) == [], path


def test_nothing_tells_a_secret_where_the_schema_is_missing(shell: Shell, empty_dsn: str) -> None:
    """The database is there, its tables are not: each command says what to do, and nothing of the address."""
    shell.environment = {"BATCHCTL_DATABASE_URL": make_conninfo(empty_dsn, password=PASSWORD), "GRSAI_API_KEY": KEY}
    for path in sorted(commands().keys() - STAYS_AT_HOME - NEEDS_NOTHING - {"migrate"}):
        ran = shell.run("--debug", *plain_form(path, VALUES))
        assert ran.code in ({0} if path in NEEDS_NO_DATABASE else {2, 78}), (path, ran.err)
        assert told(ran) == [], path


def test_secrets_from_files_are_used_and_not_told(marked: Marked, tmp_path: Path) -> None:
    """A pass whose secrets stand in files does its work, and its webhooks are signed (the receiver checks)."""
    for name in ("BATCHCTL_DATABASE_URL", "GRSAI_API_KEY", "ENTERPRISE_WEBHOOK_SECRET", "INTERNAL_WORKER_SECRET"):
        file = tmp_path / name
        file.write_text(f"{marked.shell.environment.pop(name)}\n")
        marked.shell.environment[f"{name}_FILE"] = str(file)

    ran = marked.shell.run("--debug", "run-once", "--json")

    assert ran.document["dispatch"]["tasks_started"] > 0
    assert told(ran) == []


def test_no_process_shows_a_secret() -> None:
    """Neither our command line nor those of the programs that we start hold a secret; nor does their environment."""
    ours = {
        "GRSAI_API_KEY": KEY,
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_SECRETS_KEY": SEALING_KEY,
        "INTERNAL_WORKER_SECRET": WORKER_SECRET,
        "DATABASE_URL": NOWHERE,
    }
    seen: dict[str, tuple[str, str]] = {}
    with scratch_directory() as scratch:
        environment = os.environ | ours | {"BATCHCTL_DATABASE_URL": f"embedded:{scratch}/db"}
        command = [sys.executable, "-m", "batchctl", "migrate", "--check"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            while process.poll() is None:
                for pid in family(process.pid):
                    if line := proc(pid, "cmdline"):  # else it has just ended
                        seen[pid] = (line, proc(pid, "environ"))
                Event().wait(0.005)  # and leave it some of the processor
            assert process.stdout is not None
            said = process.stdout.read()
    own, _ = seen.pop(str(process.pid))
    assert process.returncode == 78, said  # nothing is migrated yet
    assert shown(said + own) == []
    others = [told_of for told_of in seen.values() if told_of[0] != own]  # the rest are copies of us, about to change
    assert any("postgres" in line for line, _ in others)
    assert shown(" ".join(part for both in others for part in both)) == []


def family(pid: int) -> list[str]:
    """Return a process and all that descend from it."""
    found = [str(pid)]
    parents: dict[str, str] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = proc(path.parent.name, "stat").rpartition(")")[2].split()
        if len(fields) > 1:
            parents[path.parent.name] = fields[1]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def proc(pid: str, name: str) -> str:
    """Return what the system tells of a process; nothing when it has ended."""
    try:
        return Path("/proc", pid, name).read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
