"""The database roles: each may do what its work needs, not one privilege more, and the server refuses all else."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import errors, sql

from batchctl.db import Database
from batchctl.domain.batch_page import Wanted
from batchctl.domain.new_task import NewTask
from batchctl.service import batch, stats
from batchctl.service.create import create
from batchctl.service.migrate import need_migrated
from batchctl.service.pick import pick
from batchctl.service.psql import role_script
from batchctl.statement import sql_dir
from tests import test_plans
from tests.conftest import Conn
from tests.psql import psql
from tests.roles import NAMES, Roles, made
from tests.scenario import Company
from tests.service import test_adopt
from tests.test_sql import PARAMETER

EXPLAINABLE = ("copy", "select", "with", "insert", "update", "delete")
COPY = re.compile(r"^copy (\w+ \(([^)]*)\)) from stdin$")
OF_THE_OWNER = {
    *("adoption/apply", "demo/clear", "demo/move_time", "history/insert", "prune/deliveries", "prune/late_results"),
    *("prune/record", "prune/runs"),
}
"""Statements that only the owner of the tables runs: those of migrations, of the demonstration and of pruning."""
OF_OPERATORS = {
    *(
        *("actions/begin", "actions/end", "actions/list"),
        "batches/cancel",
        "batches/insert",
        "deliveries/readdress",
        "endpoints/add_secret",
        "endpoints/expire_secrets",
        "endpoints/forget_secrets",
        "endpoints/remove",
        "endpoints/reseal",
        *("pauses/begin", "pauses/end"),
        "requests/insert",
        "tasks/copy",
        "tasks/insert",
        "tasks/insert_again",
        "wallets/grant",
        "wallets/open",
    ),
}
"""Statements that batch_operator runs and batch_worker does not; all others are the worker's."""


class Privilege(NamedTuple):
    """A right of a role, on a table or on one of its columns."""

    table: str
    kind: str
    column: str | None

    def take_from(self, conn: Conn, role: str) -> None:
        """Revoke it."""
        column = f"({self.column})" if self.column else ""
        conn.execute(f"revoke {self.kind} {column} on {self.table} from {role}".encode())


@pytest.fixture
def roles(dsn: str) -> Iterator[Roles]:
    """Give a migrated database with all roles."""
    with made(dsn) as roles:
        yield roles


def statements() -> dict[str, str]:
    """Return the statements that read or write rows, by name, with the parameters numbered."""
    found: dict[str, str] = {}
    for path in sql_dir().glob("*/*.sql"):
        text = re.sub(r"--[^\n]*", "", path.read_text()).strip()
        if path.parent.name not in {"migrations", "roles"} and text.lower().startswith(EXPLAINABLE):
            text = COPY.sub(_as_insert, text)
            numbers = {name: f"${n}" for n, name in enumerate(dict.fromkeys(PARAMETER.findall(text)), 1)}
            for parameter, number in numbers.items():
                text = text.replace(f"%({parameter})s", number)
            found[f"{path.parent.name}/{path.stem}"] = text.replace("%%", "%")
    return found


def _as_insert(copy: re.Match[str]) -> str:
    """Write the insert that needs the same rights as a copy, which cannot be explained."""
    return f"insert into {copy[1]} select {', '.join(['null'] * (copy[2].count(',') + 1))}"


def of(name: str) -> dict[str, str]:
    """Return the statements of a role that are not those of the role whose rights it has too."""
    theirs = OF_OPERATORS if name == "batch_operator" else set(statements()) - OF_OPERATORS - OF_THE_OWNER
    return {statement: text for statement, text in statements().items() if statement in theirs}


def prepare(conn: Conn, texts: dict[str, str]) -> None:
    """Prepare statements under their names; that needs no rights."""
    for name, text in texts.items():
        conn.execute(f'prepare "{name}" as {text}'.encode())


def refusal(conn: Conn, name: str, text: str) -> str | None:
    """Have the server start a prepared statement, which checks all its rights and runs nothing; say what it objects."""
    count = len(set(re.findall(r"\$\d+", text)))
    values = f"({', '.join(['null'] * count)})" if count else ""
    try:
        with conn.transaction():
            conn.execute(f'explain execute "{name}" {values}'.encode())
    except errors.InsufficientPrivilege as error:
        return error.diag.message_primary
    return None


@pytest.mark.parametrize("name", ["batch_worker", "batch_operator"])
def test_role_suffices_for_its_statements(roles: Roles, name: str) -> None:
    """Each statement that this role's commands run is allowed to it; a new one is granted, or given to another role."""
    texts = of("batch_worker") | of(name)
    with psycopg.connect(roles.login(name), autocommit=True) as conn:
        prepare(conn, texts)
        refused = {one: refusal(conn, one, text) for one, text in texts.items()}

    assert len(texts) > 50
    assert {one: said for one, said in refused.items() if said} == {}


def privileges(conn: Conn, role: str) -> list[Privilege]:
    """Return every right of a role on tables and columns that is given to it by name."""
    rows = conn.execute(
        "select c.relname::text, x.privilege_type, null::text from pg_class as c, aclexplode(c.relacl) as x"
        " where x.grantee = %(role)s::regrole and c.relkind = 'r'"
        " union all select c.relname::text, x.privilege_type, a.attname::text from pg_class as c"
        " inner join pg_attribute as a on a.attrelid = c.oid, aclexplode(a.attacl) as x"
        " where x.grantee = %(role)s::regrole order by 1, 2, 3",
        {"role": role},
    ).fetchall()
    return [Privilege(*row) for row in rows]


@pytest.mark.parametrize("name", ["batch_worker", "batch_operator"])
def test_no_privilege_is_one_too_many(roles: Roles, name: str) -> None:
    """Without any single one of its privileges some statement of the role is refused."""
    texts, conn, role = of(name), roles.conn, roles.names[name]
    given = privileges(conn, role)
    prepare(conn, texts)
    needless: list[Privilege] = []
    for privilege in given:
        words = (privilege.table, privilege.column or "")
        concerned = {one: text for one, text in texts.items() if all(word in text for word in words)}
        with conn.transaction(force_rollback=True):
            privilege.take_from(conn, role)
            conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            if not any(refusal(conn, one, text) for one, text in concerned.items()):
                needless.append(privilege)

    assert len(given) > 20
    assert needless == []


CLOSED = {
    ("batch_worker", "update", "batch_jobs"): """
        id user_id total_count cost_per_video created_at enqueued_at webhook_url
        task_count tasks_pending tasks_in_flight tasks_succeeded tasks_failed next_step cancelled_at retry_of
    """,
    ("batch_worker", "update", "video_tasks"): """
        id user_id batch_job_id batch_index created_at model prompt reference_url aspect_ratio duration size meta
        retry_of
    """,
    ("batch_worker", "update", "credit_wallet"): "user_id bonus_expires_at created_at",
    ("batch_worker", "update", "webhook_deliveries"): "id batch_job_id event_type url body created_at",
    ("batch_worker", "update", "delivery_attempts"): "delivery_id attempt started_at by_operator",
    ("batch_worker", "update", "late_looks"): "task_id until",
    ("batch_worker", "update", "account_breaker"): "provider_host opened_at",
    ("batch_worker", "update", "webhook_endpoints"): "id user_id url created_at",
    ("batch_worker", "insert", "webhook_endpoints"): "id",
    ("batch_operator", "update", "pauses"): "stage",
    ("batch_operator", "insert", "pauses"): "resumed_at",
    ("batch_operator", "update", "webhook_secrets"): "id endpoint_id fingerprint created_at",
    ("batch_operator", "insert", "webhook_secrets"): "id",
    ("batch_operator", "update", "operator_actions"): "id began_at os_user host command arguments reason",
    (
        "batch_operator",
        "insert",
        "operator_actions",
    ): "ended_at matched_count changed_count credits outcome error",
    ("batch_worker", "insert", "credit_ledger"): "id model",
    ("batch_viewer", "select", "batch_jobs"): "webhook_url",
    ("batch_viewer", "select", "video_tasks"): "prompt reference_url meta video_url",
    ("batch_viewer", "select", "credit_ledger"): "meta",
    ("batch_viewer", "select", "webhook_deliveries"): "url body",
    ("batch_viewer", "select", "webhook_endpoints"): "url",
    ("batch_viewer", "select", "delivery_attempts"): "answer",
    ("batch_viewer", "select", "late_results"): "video_url",
    ("batch_application", "insert", "batch_jobs"): """
        success_count failed_count frozen_credits credits_spent settlement_status webhook_status webhook_attempts
        webhook_last_error webhook_last_sent_at last_error updated_at completed_at hold_reason
        task_count tasks_pending tasks_in_flight tasks_succeeded tasks_failed next_step cancelled_at retry_of
    """,
    ("batch_application", "insert", "video_tasks"): """
        video_url error_message failure_reason failure_type completed_at grsai_task_id last_error attempts next_retry_at
        progress poll_count last_poll_at updated_at next_poll_at poll_errors submit_errors submit_defers resubmits
        first_attempt_at claimed_at unknown_since blocked_by provider_host video_url_seen_at hold_reason retry_of
    """,
}
"""The columns that a role does not write, or see, of a table of which it writes, or sees, others."""
TABLES_CLOSED = {
    (
        "batch_worker",
        "update",
    ): """
        adoption adopted_wallets batch_requests batchctl_migrations credit_ledger late_results operator_actions pauses
        pruned_history runs webhook_secrets
    """,
    ("batch_viewer", "select"): "webhook_secrets",
    ("batch_application", "select"): """
        account_breaker adopted_wallets adoption batch_requests batchctl_migrations credit_ledger credit_wallet
        delivery_attempts late_looks late_results operator_actions pauses pruned_history runs webhook_deliveries
        webhook_endpoints webhook_secrets
    """,
}
"""The tables that are closed to a role altogether."""


def columns(conn: Conn, role: str, kind: str) -> dict[str, dict[str, bool]]:
    """Say of each table and column of the schema whether a role has a right on it."""
    rows = conn.execute(
        "select c.relname::text, a.attname::text, has_column_privilege(%s, c.oid, a.attnum, %s) from pg_class as c"
        " inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'",
        [role, kind],
    ).fetchall()
    found: dict[str, dict[str, bool]] = {}
    for table, column, has_it in rows:
        found.setdefault(table, {})[column] = has_it
    return found


def test_every_column_is_decided_about(roles: Roles) -> None:
    """A column is open to a role because its script says so, or closed because it stands here; a new one is neither."""
    closed: dict[tuple[str, str, str], set[str]] = {}
    for name, kind, table in CLOSED:
        rights = columns(roles.conn, roles.names[name], kind)[table]
        closed[name, kind, table] = {column for column, is_open in rights.items() if not is_open}

    assert closed == {key: set(text.split()) for key, text in CLOSED.items()}


def test_every_table_is_decided_about(roles: Roles) -> None:
    """A table that is closed to a role altogether is one that stands here."""
    closed: dict[tuple[str, str], set[str]] = {}
    for name, kind in TABLES_CLOSED:
        rights = columns(roles.conn, roles.names[name], kind)
        closed[name, kind] = {table for table, of_table in rights.items() if not any(of_table.values())}

    assert closed == {key: set(text.split()) for key, text in TABLES_CLOSED.items()}


def test_every_table_stands_in_each_script(db_connection: Conn) -> None:
    """A script begins by taking back whatever the role had on any table of the schema, so that a new one is named."""
    tables = set(columns(db_connection, db_connection.info.user, "select"))
    listed = {name: re.findall(r"revoke all on\n(.*?)\nfrom", role_script(name), re.DOTALL) for name in NAMES}

    assert {name: set(re.split(r",\s", found)) for name, (found,) in listed.items()} == dict.fromkeys(NAMES, tables)


REFUSED = {
    "batch_worker": """
        create table mine (id int); alter table batch_jobs add column mine int; drop table runs;
        create index on batch_jobs (user_id); alter table credit_ledger disable trigger all;
        create trigger mine before insert on batch_jobs
        for each row execute function suppress_redundant_updates_trigger();
        alter table batch_jobs disable trigger batchctl_keep_settlement; set session_replication_role = replica;
        create or replace function batchctl_refuse(what text) returns void language sql as 'select';
        update adoption set applied_at = null; insert into batchctl_migrations values (99, 'mine', '', now());
        delete from batch_jobs; delete from video_tasks; delete from credit_wallet; delete from credit_ledger;
        delete from webhook_deliveries; delete from delivery_attempts; delete from late_results; delete from runs;
        delete from batch_requests; delete from adoption; delete from adopted_wallets; delete from batchctl_migrations;
        truncate credit_ledger; truncate batch_jobs cascade; truncate runs; truncate late_looks;
        update credit_ledger set credits_delta = 0; update credit_ledger set meta = null;
        update batch_jobs set cost_per_video = 0; update batch_jobs set user_id = gen_random_uuid();
        update batch_jobs set total_count = 0; update batch_jobs set cancelled_at = now();
        update batch_jobs set webhook_url = 'https://x';
        update batch_jobs set task_count = 0; update video_tasks set prompt = 'x';
        update video_tasks set user_id = gen_random_uuid(); update video_tasks set batch_job_id = null;
        update webhook_deliveries set body = 'x'; update webhook_deliveries set url = 'https://x';
        update credit_wallet set bonus_expires_at = now(); update credit_wallet set user_id = gen_random_uuid();
        insert into credit_wallet (user_id, permanent_credits) values (gen_random_uuid(), 5);
        insert into batch_jobs (user_id) values (gen_random_uuid()); insert into video_tasks (prompt) values ('x');
        insert into credit_ledger (id, user_id, type, credits_delta) values (1, gen_random_uuid(), 'adjust', 5);
        select setval('credit_ledger_id_seq', 1); select batchctl_refuse('x'); select batchctl_count_tasks();
        update pauses set resumed_at = now(); delete from pauses;
        insert into pruned_history (ended_before) values (now()); select batchctl_announce_batch();
        update runs set report = '{}'; create schema mine; delete from webhook_endpoints;
        update webhook_endpoints set url = 'https://x'; update webhook_secrets set sealed = 'sealed:x';
        insert into webhook_secrets (sealed) values ('sealed:x'); delete from webhook_secrets
    """,
    "batch_operator": """
        create table mine (id int); set session_replication_role = replica; delete from credit_ledger;
        delete from batch_jobs; delete from credit_wallet; truncate credit_ledger;
        update credit_ledger set credits_delta = 0; update batch_jobs set cost_per_video = 0;
        update batch_jobs set user_id = gen_random_uuid(); update webhook_deliveries set body = 'x';
        insert into credit_wallet (user_id, permanent_credits) values (gen_random_uuid(), 5);
        insert into batch_jobs (user_id, status, frozen_credits) values (gen_random_uuid(), 'processing', 5);
        update batch_jobs set retry_of = null; update video_tasks set retry_of = null;
        update adoption set applied_at = null; delete from webhook_deliveries;
        delete from runs; delete from late_results; delete from operator_actions;
        update webhook_endpoints set url = 'https://x'; update webhook_secrets set endpoint_id = null
    """,
    "batch_viewer": """
        create table mine (id int); select * from video_tasks; select prompt from video_tasks;
        select video_url from late_results; select body from webhook_deliveries; select webhook_url from batch_jobs;
        update batch_jobs set hold_reason = 'x'; update video_tasks set status = 'failed';
        insert into pauses (stage, reason) values ('poll', 'x'); delete from pauses;
        select url from webhook_endpoints; select from webhook_secrets; select sealed from webhook_secrets;
        insert into runs (report) values ('{}'); delete from late_looks; update credit_wallet set permanent_credits = 5;
        insert into credit_ledger (user_id, type, credits_delta) values (gen_random_uuid(), 'adjust', 5)
    """,
    "batch_application": """
        create table mine (id int); update batch_jobs set status = 'failed'; update video_tasks set status = 'failed';
        insert into batch_jobs (user_id, status, frozen_credits) values (gen_random_uuid(), 'processing', 5);
        insert into batch_jobs (user_id, task_count) values (gen_random_uuid(), 5);
        insert into video_tasks (prompt, grsai_task_id) values ('x', 'r'); delete from video_tasks;
        select from credit_ledger; select from credit_wallet; select from webhook_deliveries; select from runs;
        select from webhook_secrets;
        select batchctl_count_tasks()
    """,
}
"""What the server does not let a role do."""


@pytest.mark.parametrize("name", NAMES)
def test_all_else_is_refused(roles: Roles, name: str) -> None:
    """Each act that is not the role's is refused by the server for want of a right, and by nothing else."""
    done: dict[str, str] = {}
    with psycopg.connect(roles.login(name), autocommit=True) as conn:
        for act in REFUSED[name].split(";"):
            try:
                conn.execute(act.encode())
            except errors.InsufficientPrivilege:
                continue
            except psycopg.Error as error:
                done[act.strip()] = str(error)
            else:
                done[act.strip()] = "done"
    assert done == {}


def test_second_run_gives_exactly_what_the_script_says(roles: Roles) -> None:
    """A script run again changes nothing, and takes back what somebody added; a password or a login stays."""
    worker = sql.Identifier(roles.names["batch_worker"])
    before = privileges(roles.conn, roles.names["batch_worker"])
    roles.conn.execute(sql.SQL("alter role {} login").format(worker))
    roles.conn.execute(sql.SQL("grant delete on credit_ledger to {}").format(worker))
    roles.conn.execute(sql.SQL("grant update (user_id) on batch_jobs to {}").format(worker))
    assert privileges(roles.conn, roles.names["batch_worker"]) != before

    for name in NAMES:
        roles.make(name)

    assert privileges(roles.conn, roles.names["batch_worker"]) == before
    rows = roles.conn.execute("select rolcanlogin from pg_roles where rolname = %s", [roles.names["batch_worker"]])
    assert rows.fetchone() == (True,)


def test_operators_need_the_worker_s_role(roles: Roles) -> None:
    """Without batch_worker the script of batch_operator says what to make first, and makes nothing."""
    script = roles.script("batch_operator").replace(roles.names["batch_worker"], "batchctl_test_nobody")

    ran = psql(roles.dsn, script)

    assert ran.returncode != 0
    assert "the role batchctl_test_nobody is missing: make it first" in ran.stderr


def test_functions_with_rights_of_their_owner_are_closed(roles: Roles) -> None:
    """Each function of ours that has its owner's rights has a fixed search_path, and nobody else may call it."""
    rows = roles.conn.execute(
        "select p.proname::text, coalesce(p.proconfig::text, '') like '%search_path=%',"
        " exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee <> p.proowner)"
        " from pg_proc as p where p.prosecdef and p.pronamespace = 'public'::regnamespace"
    ).fetchall()

    assert {name for name, *_ in rows} >= {"batchctl_count_tasks", "batchctl_refuse", "batchctl_keep_ledger"}
    assert [row for row in rows if row[1:] != (True, False)] == []


def test_counters_cannot_be_forged(roles: Roles) -> None:
    """Nobody can hang the function that counts tasks on a table of their own, and so count what is not there."""
    with psycopg.connect(roles.login("batch_application"), autocommit=True) as conn:
        conn.execute("create temp table forged (id uuid, batch_job_id uuid, status text)")
        with pytest.raises(errors.InsufficientPrivilege, match="function batchctl_count_tasks"):
            conn.execute(
                "create trigger forge after insert on forged referencing new table as new_rows"
                " for each statement execute function batchctl_count_tasks()"
            )


@contextmanager
def at_work(company: Company, dsn: str) -> Iterator[None]:
    """Let the company's worker be at work under another login."""
    with closing(Database(dsn, company.clock.sleep)) as db:
        company.world = replace(company.world, db=db)
        yield


def test_worker_does_all_that_a_pass_does(company: Company, roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims, refusals, submissions, polls, limits, rescue, settlements, events, late results: all under the role."""
    with at_work(company, roles.login("batch_worker")), test_plans.explained(monkeypatch) as plans:
        test_plans.busy(company)

    assert test_plans.OF_A_PASS - set(plans.buffers) == set()
    assert company.sql("select count(*) as n from batch_jobs where status in ('queued', 'processing')")[0].n == 0


def test_viewer_sees_what_dashboards_show(company: Company, roles: Roles) -> None:
    """A viewer may list batches, held ones and those of a customer too, and name one by the first digits of its id."""
    user = company.customer(permanent=100)
    batch_id = company.enqueue(user, ["a", "b [sim: fail=error]"])
    company.run_until_quiet()
    with at_work(company, roles.login("batch_viewer")):
        for wanted in (Wanted(), Wanted(only_held=True), Wanted(user_id=user)):
            listed = batch.list_newest(company.world, wanted, 5).batches
            assert [line.id for line in listed] == ([] if wanted.only_held else [batch_id])
        need_migrated(company.world.db)
        assert pick(company.world.db, [str(batch_id)[:8]]) == [batch_id]
        company.clock.advance(1)
        assert stats.failures(company.world, user_id=user).failed == 1
        assert stats.overview(company.world).failed == 1
        assert [part.count for part in stats.latency(company.world, model="sora-2").parts] == [2, 2, 1, 1]


def test_worker_holds_what_the_database_refuses(company: Company, roles: Roles) -> None:
    """A row that the database does not let through is put on hold under the role, and released by an operator's."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    company.sql("alter table batch_jobs add constraint not_now check (status <> 'processing')")
    with at_work(company, roles.login("batch_worker")):
        (finding,) = company.run_pass().findings
    assert f"batch {batch_id} is on hold" in finding.message

    company.sql("alter table batch_jobs drop constraint not_now")
    with psycopg.connect(roles.login("batch_operator"), autocommit=True) as conn:
        conn.execute("update batch_jobs set hold_reason = null where id = %s", [batch_id])
    with at_work(company, roles.login("batch_worker")):
        company.run_until_quiet()
        assert company.batch(batch_id).status == "completed"


def single_videos(tx: Conn) -> list[tuple[Any, ...]]:
    """Return what can be seen of the tasks outside any batch."""
    return tx.execute("select id from video_tasks where batch_job_id is null").fetchall()


def test_worker_adopts_the_original_s_database(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind row policies that know customers only, passes under the role bring every leftover to the same end."""
    adopt = test_adopt.adopt
    with ExitStack() as stack:

        def adopt_and_step_down(company: Company) -> None:
            adopt(company)
            roles = stack.enter_context(made(empty_dsn))
            stack.enter_context(at_work(company, roles.login("batch_worker")))
            assert company.world.db.ask(single_videos) == []

        monkeypatch.setattr(test_adopt, "adopt", adopt_and_step_down)
        test_adopt.test_whatever_is_provable_comes_to_its_end(empty_dsn, functions_of_100=False)


def test_operator_enqueues_behind_row_policies(company: Company, roles: Roles) -> None:
    """Where policies keep a stream of rows out, the same batch is written by an ordinary insert."""
    tasks = [NewTask(prompt="a"), NewTask(prompt="b", model="veo-flash", duration=15, meta={"of": "c"})]
    customer = company.customer(permanent=20)
    company.sql("alter table video_tasks enable row level security")
    roles.make("batch_worker")
    roles.make("batch_operator")
    with at_work(company, roles.login("batch_operator")):
        created = create(company.world, tasks, user_id=customer, cost_per_video=10, webhook_url=None)
    company.sql("alter table video_tasks disable row level security")
    assert created.batch_id is not None

    rows = company.tasks(created.batch_id)

    assert [(row.batch_index, row.prompt, row.model, row.duration, row.meta) for row in rows] == [
        (0, "a", "sora-2", None, None),
        (1, "b", "veo-flash", 15, {"of": "c"}),
    ]


def test_nobody_else_says_where_our_key_is_sent(company: Company, roles: Roles) -> None:
    """Whoever may write a whole task still does not choose the host that is asked for its result with our key."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    application = roles.names["batch_application"]
    company.sql(f"grant insert, update, select on video_tasks to {application}")
    with psycopg.connect(roles.login("batch_application"), autocommit=True) as conn:
        conn.execute("update video_tasks set provider_host = 'https://thief.example', prompt = 'mine'")
        conn.execute(
            "insert into video_tasks (user_id, prompt, provider_host)"
            " select user_id, 'single', 'https://thief.example' from video_tasks limit 1"
        )
    assert company.sql("select 1 from video_tasks where provider_host is not null") == []
    assert {task.prompt for task in company.tasks(batch_id)} == {"mine"}

    company.run_pass()
    with psycopg.connect(roles.login("batch_application"), autocommit=True) as conn:
        conn.execute("update video_tasks set provider_host = 'https://thief.example'")

    assert {task.provider_host for task in company.tasks(batch_id)} == {company.provider.base_url}
    company.run_until_quiet()


def test_worker_s_role_says_where_a_task_was_sent(company: Company, roles: Roles) -> None:
    """Under the role, whose rights on runs are by column, the host of a submission is kept as under the owner."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)

    with at_work(company, roles.login("batch_worker")):
        company.run_pass()
        company.run_until_quiet()

    assert {task.provider_host for task in company.tasks(batch_id)} == {company.provider.base_url}


def test_application_enqueues(company: Company, roles: Roles) -> None:
    """An application with its role inserts a batch and its tasks, whose counters the trigger keeps, and it is done."""
    customer = company.customer(permanent=10)
    owner = company.conn
    with psycopg.connect(roles.login("batch_application"), autocommit=True, row_factory=owner.row_factory) as conn:
        company.conn = conn
        batch_id = company.enqueue(customer, 1)
        assert company.batch(batch_id).next_step == "claim"
        company.conn = owner

    company.run_until_quiet()

    assert company.batch(batch_id).status == "completed"
