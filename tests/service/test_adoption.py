"""Adopting the original worker's database: no row changes, that worker goes on, and in the end the guards refuse."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from batchctl.db import Database
from batchctl.domain.problem import Problem
from batchctl.service import adoption
from batchctl.service.migrate import SESSION, MigrateReport, migrate, migrations, need_migrated
from batchctl.store import doctor
from tests.conftest import Conn
from tests.legacy.leftovers import Leftovers, leave_behind
from tests.legacy.original import Original, Variant, original

VARIANTS = [
    Variant(),
    Variant(optional_columns=False),
    Variant(functions_of_100=True),
    Variant(optional_columns=False, functions_of_100=True),
]
HOOK = "https://customer.example/hook"


def sleepless(_: float) -> None:
    """Wait for nothing."""


@pytest.fixture(params=VARIANTS, ids=["complete", "without columns", "functions of 100", "both"])
def any_old(request: pytest.FixtureRequest, empty_dsn: str) -> Iterator[Original]:
    """Give the original's database in each of its variants."""
    with original(empty_dsn, request.param) as old:
        yield old


@pytest.fixture
def old(empty_dsn: str) -> Iterator[Original]:
    """Give the original's database as most have it."""
    with original(empty_dsn, Variant()) as old:
        yield old


@pytest.fixture
def db(empty_dsn: str) -> Iterator[Database]:
    """Give the same database as batchctl opens it to migrate."""
    with closing(Database(empty_dsn, sleepless, session=SESSION | {"lock_timeout": "50ms"})) as db:
        yield db


def definitions(old: Original) -> set[tuple[Any, ...]]:
    """Return all that is defined on the old tables, and the functions, as the server shows them."""
    return set(
        old.run(
            "select 'index', indexname::text, indexdef from pg_indexes where schemaname = 'public'"
            " union all select 'constraint', conname::text, pg_get_constraintdef(oid) from pg_constraint"
            " where connamespace = 'public'::regnamespace"
            " union all select 'trigger', tgname::text, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal"
            " union all select 'function', oid::regprocedure::text, pg_get_functiondef(oid) from pg_proc"
            " where pronamespace = 'public'::regnamespace"
            " union all select 'column', attrelid::regclass || '.' || attname,"
            " format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(adbin, adrelid), '')"
            " from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum"
            " inner join pg_class as c on c.oid = attrelid"
            " where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0"
            " union all select 'policy', polname::text, pg_get_expr(polqual, polrelid) from pg_policy"
        )
    )


def test_no_row_changes_and_nothing_is_dropped(any_old: Original, db: Database) -> None:
    """Every old column of every old row is as before, and so is every index, rule and function of the original."""
    leave_behind(any_old, HOOK)
    columns = any_old.columns()
    rows, defined = any_old.contents(columns), definitions(any_old)

    assert migrate(db, sleepless) == MigrateReport(applied=tuple(one.name for one in migrations()))

    assert any_old.contents(columns) == rows
    assert defined - definitions(any_old) == set()
    assert migrate(db, sleepless) == MigrateReport()
    need_migrated(db)


def test_counts_of_open_batches_are_right_at_once(old: Original, db: Database) -> None:
    """The counters begin with what is there, so that each open batch is found by what it waits for."""
    left = leave_behind(old, HOOK)
    migrate(db, sleepless)

    steps = dict(old.run("select id, next_step from batch_jobs"))
    assert (steps[left.queued], steps[left.never_started], steps[left.at_provider]) == ("claim", "start", "poll")
    assert (steps[left.refused], steps[left.failed_paid], steps[left.without_tasks]) == ("close", "close", "settle")
    assert {steps[one] for one in (left.paid_early, left.never_paid, left.settled, left.without_status)} == {"adopt"}
    assert {steps[one] for one in (left.finished, left.failed_empty, left.never_settled)} == {None}


def test_what_wallets_hold_beyond_their_ledger_is_written_down(old: Original, db: Database) -> None:
    """A difference between wallet and ledger is older than batchctl: it is kept, so that the books begin there."""
    leave_behind(old, HOOK)
    honest = old.user(permanent=10, bonus=5)
    rich = old.user(permanent=10)
    old.run("update credit_wallet set permanent_credits = 25, bonus_credits = 1 where user_id = %s", rich)

    migrate(db, sleepless)

    kept = dict(old.run("select user_id, unexplained_credits from adopted_wallets"))
    assert (kept[rich], honest in kept) == (16, False)
    assert sorted(kept.values()) == [2, 16]


def test_original_goes_on_beside(any_old: Original, db: Database) -> None:
    """Its functions and its writes by id work as before, in the very session that was open all the time."""
    user_id = any_old.user(permanent=100, bonus=5)
    migrate(db, sleepless)

    batch_id = any_old.enqueue(user_id, 3, webhook=HOOK)
    assert any_old.run("select id, status, total_count from claim_batch_jobs(5)") == [(batch_id, "processing", 3)]
    assert any_old.freeze(batch_id)["frozen"] == 30
    assert any_old.freeze(batch_id)["already"] is True
    one, two, three = any_old.tasks(batch_id)
    for number, task_id in enumerate((one, two, three)):
        assert any_old.set_task(task_id, status="processing", attempts=1, grsai_task_id=f"r-{number}") == 1
        assert any_old.set_task(task_id, poll_count=1, progress=50) == 1
    for task_id in (one, two):
        assert any_old.set_task(task_id, status="succeeded", video_url="https://v") == 1
    assert any_old.set_task(three, status="failed", error_message="moderation", failure_type="model_error") == 1
    assert any_old.finalize(batch_id, 2)["refund"] == 10
    assert any_old.set_batch(batch_id, status="partial", success_count=2, failed_count=1, webhook_status="sent") == 1

    assert any_old.value("select get_total_available_credits(%s)", user_id) == 85
    assert any_old.run("select url, secret from get_enterprise_webhook_for_batch(%s)", batch_id) == [(HOOK, None)]
    assert any_old.run("select task_count, tasks_succeeded, tasks_failed from batch_jobs") == [(3, 2, 1)]
    buckets = any_old.run("select type, bucket, credits_delta from credit_ledger order by id")
    assert buckets == [
        *(("purchase", None, 100), ("bonus_grant", None, 5)),
        *(("spend", "bonus", -5), ("spend", "permanent", -25), ("refund", "permanent", 10)),
    ]
    single = any_old.value("insert into video_tasks (user_id, prompt) values (%s, 'alone') returning id", user_id)
    assert any_old.value("select deduct_credits_from_wallet(%s, 10, 'sora-2')", user_id)["success"] is True
    assert any_old.set_task(single, status="succeeded") == 1
    assert any_old.set_task(single, status="pending") == 1


def test_batch_inserted_in_steps_beside_is_taken(old: Original, db: Database) -> None:
    """Beside the original a claimed batch may still get its tasks; more than those are warned of, not refused."""
    warnings = listen(old)
    user_id = old.user(permanent=100)
    migrate(db, sleepless)
    batch_id = old.paid(user_id, 0, total=1)

    old.run(
        "insert into video_tasks (user_id, batch_job_id, batch_index, prompt) values (%s, %s, 0, 'x')",
        user_id,
        batch_id,
    )

    assert old.run("select task_count, next_step from batch_jobs") == [(1, "start")]
    assert warnings == []
    old.run("insert into video_tasks (user_id, batch_job_id, prompt) values (%s, %s, 'x')", user_id, batch_id)
    assert warnings == ["a batch that was claimed takes no more tasks than it was to have: enqueue a new one"]


def listen(old: Original) -> list[str]:
    """Return a list that takes what the server warns of."""
    heard: list[str] = []
    old.conn.add_notice_handler(lambda said: heard.append(said.message_primary or ""))
    return heard


def test_write_that_undoes_a_verdict_is_warned_of_and_ignored(old: Original, db: Database) -> None:
    """A late write of the original does not bring back what has ended, and does not fail either (design §5)."""
    warnings = listen(old)
    user_id = old.user(permanent=100)
    migrate(db, sleepless)
    batch_id = old.paid(user_id, 1)
    (task_id,) = old.tasks(batch_id)
    old.set_task(task_id, status="succeeded", grsai_task_id="r-1", video_url="https://v")
    old.finalize(batch_id, 1)
    old.set_batch(batch_id, status="completed", success_count=1)

    assert old.set_task(task_id, status="processing", progress=10) == 0
    assert old.set_batch(batch_id, status="processing") == 0
    assert old.set_batch(batch_id, credits_spent=0, settlement_status="pending") == 0
    assert old.run("update credit_ledger set credits_delta = 0 where type = 'spend' returning id") == []

    assert old.run("select status, progress from video_tasks") == [("succeeded", 0)]
    assert old.run("select status, settlement_status, credits_spent from batch_jobs") == [
        ("completed", "finalized", 10)
    ]
    assert warnings == [
        f"task {task_id} is succeeded and stays so",
        f"batch {batch_id} is completed and finalized and stays so",
        f"batch {batch_id} is completed and finalized and stays so",
        "rows of credit_ledger are never changed or deleted: write a new row that corrects them",
    ]


def test_double_freeze_beside_the_original_is_impossible(old: Original, db: Database) -> None:
    """Whoever pays second for a batch is refused by the database, whichever program it is (contract §1)."""
    user_id = old.user(permanent=100)
    migrate(db, sleepless)
    batch_id = old.paid(user_id, 1)

    with pytest.raises(errors.UniqueViolation):
        old.run(
            "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket)"
            " values (%s, 'spend', -10, 'batch_upfront', %s, 'permanent')",
            user_id,
            str(batch_id),
        )


def test_user_is_deleted_with_all_that_is_theirs(old: Original, db: Database) -> None:
    """What cascades from a user still does, over batches with events and ledger rows, until adoption is applied."""
    left = leave_behind(old, HOOK)
    migrate(db, sleepless)
    old.run(
        "insert into webhook_deliveries (batch_job_id, event_type, url, body) values (%s, 'batch.failed', %s, '{}')",
        left.failed_empty,
        HOOK,
    )

    old.run("delete from users where id = %s", left.user_id)

    kept = old.run(
        "select user_id from batch_jobs union all select user_id from video_tasks"
        " union all select user_id from credit_wallet union all select user_id from credit_ledger"
    )
    assert len(kept) > 0
    assert (left.user_id,) not in kept
    assert old.run("select count(*) from webhook_deliveries") == [(0,)]


@pytest.fixture
def left(old: Original, db: Database) -> Leftovers:
    """Give an adopted database with every kind of leftover."""
    left = leave_behind(old, HOOK)
    migrate(db, sleepless)
    return left


OURS = (
    "select c.relname::text, pg_get_indexdef(c.oid), i.indisvalid from pg_index as i"
    " inner join pg_class as c on c.oid = i.indexrelid"
    " where i.indrelid in ('batch_jobs'::regclass, 'video_tasks'::regclass, 'credit_ledger'::regclass)"
    " and (c.relname ~ '^(video_tasks|batch_jobs|credit_ledger)_(?!pkey)' or c.relname ~ 'poll_tracking')"
    " union all select conname::text, pg_get_constraintdef(oid), convalidated from pg_constraint"
    " where conname ~ '^batch_jobs_(spent|settled|frozen|successes|unspent)|^credit_ledger_(bucket|balance|batch)'"
)
"""Indexes and constraints of batchctl, as the server shows them."""


def test_applied_adoption_is_a_database_of_our_own(old: Original, db: Database, db_connection: Conn) -> None:
    """Where no old row is in the way, the indexes and constraints are in the end those of a fresh database."""
    migrate(db, sleepless)
    assert "poll_count" in old.value("select pg_get_indexdef('idx_video_tasks_poll_tracking'::regclass)")

    report = adoption.apply(db, sleepless)

    assert report is not None
    assert report.exempt == {}
    assert set(old.run(OURS)) == set(db_connection.execute(OURS.encode()).fetchall())


def test_guards_refuse_once_adoption_is_applied(old: Original, db: Database, left: Leftovers) -> None:
    """From then on a write that undoes a verdict is an error for whoever writes it."""
    report = adoption.apply(db, sleepless)
    assert report is not None
    assert report.state.applied_at == old.value("select applied_at from adoption")

    with pytest.raises(psycopg.IntegrityError, match="is completed and finalized and stays so"):
        old.set_batch(left.finished, status="processing")
    with pytest.raises(psycopg.IntegrityError, match="is succeeded and stays so"):
        old.set_task(old.tasks(left.finished)[0], status="processing")
    with pytest.raises(psycopg.IntegrityError, match="never changed or deleted"):
        old.run("delete from users where id = %s", left.user_id)
    with pytest.raises(psycopg.IntegrityError, match="takes no more tasks"):
        old.run("update video_tasks set batch_job_id = %s where prompt = 'alone' and status is null", left.finished)


def test_old_rows_that_break_a_rule_are_exempt_from_it(old: Original, db: Database, left: Leftovers) -> None:
    """They are counted and may still be written; a row that is written from now on must keep the rule."""
    old.run("update batch_jobs set credits_spent = 40, frozen_credits = 30 where id = %s", left.never_settled)

    report = adoption.apply(db, sleepless)

    assert report is not None
    assert report.exempt == {
        "batch_jobs_spent_within_frozen": 1,
        "batch_jobs_spent_when_settled": 1,
        "batch_jobs_settled_when_finished": 1,
        "batch_jobs_frozen_when_claimed": 1,
        "batch_jobs_successes_are_spent": 1,
    }
    assert old.set_batch(left.never_settled, webhook_status="sent") == 1
    assert old.set_batch(left.settled, hold_reason="look at this") == 1
    new = new_batch(old, left.user_id)
    for change in ({"frozen_credits": 10}, {"credits_spent": 1}, {"settlement_status": "finalized"}):
        with pytest.raises(errors.CheckViolation):
            old.set_batch(new, **change)


def new_batch(old: Original, user_id: UUID) -> UUID:
    """Insert a batch now."""
    batch_id: UUID = old.value(
        "insert into batch_jobs (user_id, status, total_count, cost_per_video) values (%s, 'queued', 1, 10)"
        " returning id",
        user_id,
    )
    return batch_id


def test_old_doubles_are_exempt_from_the_unique_index(old: Original, db: Database, left: Leftovers) -> None:
    """Where old tasks share a job at the provider, that is counted; what batchctl sends from now on shares none."""
    _, two, *waiting = old.tasks(left.never_started)
    old.set_task(two, grsai_task_id="r-1")

    report = adoption.apply(db, sleepless)

    assert report is not None
    assert report.exempt["video_tasks_remote_id"] == 1
    assert old.set_task(waiting[0], claimed_at="now", grsai_task_id="r-9") == 1
    with pytest.raises(errors.UniqueViolation):
        old.set_task(waiting[1], claimed_at="now", grsai_task_id="r-9")


def test_applying_is_repeated_after_an_interruption(old: Original, db: Database, left: Leftovers) -> None:
    """While a table is in use nothing is applied, and the guards go on warning; the next run completes it."""
    with psycopg.connect(old.conn.info.dsn) as other:
        other.execute("update batch_jobs set updated_at = updated_at where id = %s", [left.queued])
        with pytest.raises(Problem, match="adoption/constrain was left undone, for others use a table"):
            adoption.apply(db, sleepless)
    assert old.value("select applied_at from adoption") is None
    assert old.set_batch(left.finished, status="processing") == 0
    old.run("create index video_tasks_polled_new on video_tasks (id)")

    report = adoption.apply(db, sleepless)

    assert report is not None
    assert report.state.applied_at is not None
    assert "poll_count" not in old.value("select pg_get_indexdef('idx_video_tasks_poll_tracking'::regclass)")
    assert old.value("select to_regclass('video_tasks_polled_new')") is None
    again = adoption.apply(db, sleepless)
    assert again is not None
    assert again.state == report.state
    assert again.leftovers == {}


MONEY_FUNCTIONS = (
    "claim_batch_jobs(integer)",
    "finalize_batch_credits(uuid,uuid,integer)",
    "freeze_credits_for_batch(uuid,uuid,integer)",
)
"""Those that write with their owner's rights, for whatever user and amount their caller names."""


def may_call(old: Original, role: str) -> dict[str, bool]:
    """Return which of the original's functions a role may call."""
    names = (*MONEY_FUNCTIONS, "get_enterprise_webhook_for_batch(uuid)")
    return {name: old.value("select has_function_privilege(%s, %s, 'execute')", role, name) for name in names}


def test_everybody_loses_the_functions_that_move_money(any_old: Original, db: Database) -> None:
    """Once adoption is applied a visitor can claim, freeze and settle nothing; what only answers stays as it is."""
    migrate(db, sleepless)
    any_old.run("do $$ begin create role anon; exception when duplicate_object then null; end $$")
    any_old.run(f"grant execute on function {MONEY_FUNCTIONS[0]} to anon")
    assert set(may_call(any_old, "public").values()) == {True}
    named = db.ask(doctor.open_functions)
    assert [(one.function_name, one.is_original, one.open_to) for one in named] == [
        (name, True, "public") for name in MONEY_FUNCTIONS
    ]

    report = adoption.apply(db, sleepless)

    assert report is not None
    assert report.closed == MONEY_FUNCTIONS
    assert [name for name, may in may_call(any_old, "public").items() if may] == [
        "get_enterprise_webhook_for_batch(uuid)"
    ]
    assert may_call(any_old, "anon") == may_call(any_old, "public")
    assert db.ask(doctor.open_functions) == []
    any_old.run("select claim_batch_jobs(0)")


def test_who_was_named_keeps_the_functions(old: Original, db: Database) -> None:
    """A role that was given the right by name keeps it, as those of its owner do."""
    migrate(db, sleepless)
    role = f"named_{uuid4().hex[:12]}"
    old.run(f"create role {role}")
    old.run(f"grant execute on function {MONEY_FUNCTIONS[0]} to {role}")

    adoption.apply(db, sleepless)

    assert [name for name, may in may_call(old, role).items() if may] == [
        MONEY_FUNCTIONS[0],
        "get_enterprise_webhook_for_batch(uuid)",
    ]
    old.run(f"drop owned by {role}")
    old.run(f"drop role {role}")


def test_own_database_has_nothing_to_adopt(db: Database) -> None:
    """On a database of our own there is nothing to look at and nothing to apply."""
    migrate(db, sleepless)

    assert adoption.look(db) is None
    assert adoption.apply(db, sleepless) is None


def test_reader_in_the_way_stops_the_adoption_whole(old: Original, db: Database) -> None:
    """While others hold the original's tables nothing is adopted, in one clear line; later it is."""
    leave_behind(old, HOOK)
    defined = definitions(old)
    with psycopg.connect(old.conn.info.dsn) as other:
        other.execute("select count(*) from batch_jobs")
        with pytest.raises(Problem, match="0001_batches_and_tasks was left undone, for others use a table"):
            migrate(db, sleepless)
        assert {one for one in definitions(old) if "batchctl_migrations" not in str(one)} == defined

    assert migrate(db, sleepless).applied
