"""The audit: each check finds what it is there for and nothing else, on a database of our own and on an adopted one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql.executors import NoopExecutor

from batchctl.db import Database
from batchctl.domain.audit import AuditReport
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.service import adoption
from batchctl.service.audit import audit, checks, look
from batchctl.service.migrate import SESSION, migrate
from batchctl.statement import sql_dir
from tests import test_plans
from tests.conftest import Conn
from tests.legacy.leftovers import Leftovers, leave_behind
from tests.legacy.original import Variant, original
from tests.scenario import Company, at_work

EVERY = checks().checks
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A company with a batch of each kind, and its rows by what they are."""

    company: Company
    ids: dict[str, Any]

    def audit(self, *, since: timedelta | None = None, offender_limit: int = 5) -> AuditReport:
        """Run every check on the company's own connection, within its transaction if one is open."""
        clock = self.company.clock
        return look(
            self.company.conn,
            EVERY,
            since=None if since is None else clock() - since,
            now=clock(),
            max_poll_count=self.company.world.limits.max_poll_count,
            offender_limit=offender_limit,
        )

    @contextmanager
    def broken(self, *statements: str) -> Iterator[None]:
        """Break the database for a moment, past all triggers and foreign keys; `%(name)s` stands for an id."""
        with self.company.conn.transaction(force_rollback=True):
            self.company.conn.execute("set local session_replication_role = replica")
            for statement in statements:
                changed = self.company.conn.execute(statement.encode(), self.ids)
                assert changed.rowcount != 0, statement
            yield


@pytest.fixture(scope="module")
def scene(pg_server: Any, pg_admin: Conn, pg_template: NoopExecutor) -> Iterator[Scene]:
    """Give a company whose batches were settled, refused, are open, wait; each test breaks it and mends it."""
    name = f"batchctl_test_audit_{uuid4().hex[:8]}"
    template = sql.Identifier(pg_template.template_dbname)
    pg_admin.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), template))
    dsn = make_conninfo("", host=pg_server.host, port=pg_server.port, user=pg_server.user, dbname=name)
    with at_work(make_conninfo(dsn, password=pg_server.password)) as company:
        yield Scene(company=company, ids=furnish(company))
    pg_admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def codes(report: AuditReport) -> list[str]:
    """Return the codes of the checks that found something."""
    return [check.name.partition("_")[0] for check in report.broken]


def furnish(company: Company) -> dict[str, Any]:
    """Make a batch of each kind, and return the ids of its rows."""
    user, other, poor = company.customer(permanent=100), company.customer(permanent=100), company.customer()
    lucky = company.customer(bonus=10)
    done = company.enqueue(user, ["a", "b", "c [sim: fail=error]"])
    gift = company.enqueue(lucky, 1, webhook=None)
    refused = company.enqueue(poor, 2)
    company.run_until_quiet()
    going = company.enqueue(user, ["d [sim: never]", "e", "f"], webhook=None)
    company.limit(max_start_per_batch=1)
    company.run_pass()
    rows = {
        "won": "select id from video_tasks where batch_job_id = %(done)s and status = 'succeeded' limit 1",
        "lost": "select id from video_tasks where batch_job_id = %(done)s and status = 'failed'",
        "given": "select id from video_tasks where batch_job_id = %(gift)s",
        "flying": "select id from video_tasks where batch_job_id = %(going)s and status = 'processing'",
        "waiting": "select id from video_tasks where batch_job_id = %(going)s and status = 'pending' limit 1",
        "event": "select id from webhook_deliveries where batch_job_id = %(done)s",
        "freeze": "select id from credit_ledger where ref_id = %(done)s::text and type = 'spend'",
        "refund": "select id from credit_ledger where ref_id = %(done)s::text and type = 'refund'",
    }
    ids: dict[str, Any] = {"user": user, "other": other, "done": done, "gift": gift, "refused": refused, "going": going}
    for name, statement in rows.items():
        ((ids[name],),) = company.conn.execute(statement.encode(), ids).fetchall()
    return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """How a check is broken, and which row it must name."""

    code: str
    statements: Sequence[str]
    offenders: Sequence[str]
    """Names of the rows in the scene; of a guard, its own name."""
    others: frozenset[str] = frozenset()
    """Codes of checks that cannot but see the same."""
    hides: bool = False
    """Whether a look at what moved lately cannot see it."""


def case(code: str, offenders: str, *statements: str, others: str = "", hides: bool = False) -> Any:
    """Write a break as a parameter of a test, named after its check."""
    broken = Break(
        code=code,
        statements=statements,
        offenders=offenders.split(),
        others=frozenset(others.split()),
        hides=hides,
    )
    return pytest.param(broken, id=f"{code}: {statements[-1][:60]}")


LEDGER = "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket)"
WALLET = "update credit_wallet set permanent_credits = permanent_credits"
BREAKS = [
    case(
        "m1",
        "stranger",
        "alter table credit_wallet drop constraint credit_wallet_permanent_credits_check",
        "insert into credit_wallet (user_id, permanent_credits) values (%(stranger)s, -5)",
        f"{LEDGER} values (%(stranger)s, 'adjust', -5, null, null, 'permanent')",
    ),
    case("m2", "user", f"{WALLET} + 1 where user_id = %(user)s"),
    case("m2", "user", f"{LEDGER} values (%(user)s, 'adjust', 5, null, null, 'permanent')"),
    case(
        "m2",
        "user",
        f"{LEDGER} values (%(user)s, 'adjust', -5, null, null, 'bonus')",
        f"{WALLET} - 5 where user_id = %(user)s",
    ),
    case("m2", "stranger", f"{LEDGER} values (%(stranger)s, 'purchase', 5, null, null, 'permanent')"),
    case("m2", "other", "delete from credit_ledger where user_id = %(other)s"),
    case(
        "m3",
        "done",
        "update credit_ledger set credits_delta = credits_delta - 1 where id = %(freeze)s",
        f"{WALLET} - 1 where user_id = %(user)s",
    ),
    case(
        "m4",
        "done",
        "update credit_ledger set credits_delta = credits_delta - 1 where id = %(refund)s",
        f"{WALLET} - 1 where user_id = %(user)s",
    ),
    case(
        "m5",
        "going",
        "alter table batch_jobs drop constraint batch_jobs_spent_when_settled",
        "update batch_jobs set credits_spent = 1 where id = %(going)s",
        others="s8",
    ),
    case(
        "m5",
        "done",
        "alter table batch_jobs drop constraint batch_jobs_successes_are_spent",
        "update batch_jobs set cost_per_video = 11 where id = %(done)s",
        others="s8 m12",
    ),
    case(
        "m6",
        "done",
        "drop index credit_ledger_batch_once",
        "update credit_ledger set credits_delta = 4 where id = %(refund)s",
        f"{LEDGER} values (%(user)s, 'refund', 6, 'batch_refund', %(done)s, 'permanent')",
        others="s8",
    ),
    case(
        "m7",
        "done",
        "alter table batch_jobs drop constraint batch_jobs_unspent_is_refunded",
        "update batch_jobs set settlement_status = 'finalized' where id = %(done)s",
        others="s8",
    ),
    case(
        "m8",
        "refund",
        "update credit_ledger set user_id = %(other)s where id = %(refund)s",
        f"{WALLET} - 10 where user_id = %(user)s",
        f"{WALLET} + 10 where user_id = %(other)s",
    ),
    case(
        "m9",
        "added",
        "insert into credit_ledger (id, user_id, type, credits_delta, ref_type, ref_id, bucket)"
        " values (%(added)s, %(user)s, 'refund', 5, 'batch_refund', 'no batch', 'permanent')",
        f"{WALLET} + 5 where user_id = %(user)s",
    ),
    case(
        "m9",
        "added",
        "insert into credit_ledger (id, user_id, type, credits_delta, ref_type, bucket)"
        " values (%(added)s, %(user)s, 'refund', 5, 'batch_refund', 'permanent')",
        f"{WALLET} + 5 where user_id = %(user)s",
    ),
    case(
        "m9",
        "added",
        "insert into credit_ledger (id, user_id, type, credits_delta, ref_type, ref_id, bucket)"
        " values (%(added)s, %(user)s, 'refund', 5, 'batch_refund', %(stranger)s, 'permanent')",
        f"{WALLET} + 5 where user_id = %(user)s",
    ),
    case("m9", "refund", "update credit_ledger set bucket = null where id = %(refund)s", others="m2"),
    case(
        "m9",
        "refund",
        "alter table credit_ledger drop constraint credit_ledger_balance_is_possible",
        "update credit_ledger set balance_after = -1 where id = %(refund)s",
        others="s8",
    ),
    case(
        "m9",
        "refund",
        "alter table credit_ledger drop constraint credit_ledger_batch_rows_are_signed",
        "update credit_ledger set type = 'adjust' where id = %(refund)s",
        others="s8",
    ),
    case(
        "m10",
        "done",
        "insert into batch_requests (user_id, request_id, batch_job_id) values (%(other)s, 'r-1', %(done)s)",
    ),
    case(
        "m10",
        "done done",
        "insert into batch_requests (user_id, request_id, batch_job_id)"
        " values (%(user)s, 'r-1', %(done)s), (%(user)s, 'r-2', %(done)s)",
    ),
    case(
        "m11",
        "done",
        "update credit_ledger set bucket = 'bonus' where id = %(refund)s",
        "update credit_wallet set permanent_credits = permanent_credits - 10, bonus_credits = bonus_credits + 10"
        " where user_id = %(user)s",
    ),
    case("m12", "going", "update batch_jobs set cost_per_video = 11 where id = %(going)s"),
    case("m12", "going", "update batch_jobs set cost_per_video = null where id = %(going)s"),
    case("m13", "refused", "update batch_jobs set settlement_status = 'finalized' where id = %(refused)s"),
    case(
        "m13",
        "refused",
        f"{LEDGER} values (%(user)s, 'refund', 5, 'batch_refund', %(refused)s, 'permanent')",
        f"{WALLET} + 5 where user_id = %(user)s",
        others="m7 m8 m11",
    ),
    case("m14", "gift", "update video_tasks set model = ' Veo-Pro' where id = %(given)s"),
    case("s1", "going", "update batch_jobs set status = 'failed', completed_at = created_at where id = %(going)s"),
    case(
        "s1",
        "done",
        "alter table batch_jobs drop constraint batch_jobs_settled_when_finished",
        "update batch_jobs set status = 'processing', completed_at = null where id = %(done)s",
        others="s8 w1 w2",
    ),
    case("s2", "gift", "update batch_jobs set failed_count = 1 where id = %(gift)s"),
    case("s2", "gift", "update batch_jobs set status = 'partial' where id = %(gift)s"),
    case("s2", "gift", "update batch_jobs set task_count = 2 where id = %(gift)s", others="s3 s10"),
    case(
        "s3",
        "going",
        "delete from video_tasks where id = %(waiting)s",
        "update batch_jobs set task_count = 2, tasks_pending = 1 where id = %(going)s",
    ),
    case("s4", "waiting", "update video_tasks set user_id = %(other)s where id = %(waiting)s"),
    case("s5", "won", "update video_tasks set video_url = null where id = %(won)s"),
    case("s5", "won", "update video_tasks set video_url_seen_at = null where id = %(won)s"),
    case("s5", "won", "update video_tasks set completed_at = null where id = %(won)s"),
    case("s5", "lost", "update video_tasks set failure_type = 'bad luck' where id = %(lost)s"),
    case("s5", "lost", "update video_tasks set failure_type = null where id = %(lost)s"),
    case("s5", "lost", "update video_tasks set error_message = null where id = %(lost)s"),
    case("s5", "lost", "update video_tasks set video_url = 'https://v' where id = %(lost)s"),
    case("s5", "flying", "update video_tasks set video_url = 'https://v' where id = %(flying)s"),
    case("s5", "waiting", "update video_tasks set failure_type = 'timeout' where id = %(waiting)s"),
    case(
        "s6",
        "won lost",
        "drop index video_tasks_remote_id",
        "update video_tasks set grsai_task_id = 'same' where id in (%(won)s, %(lost)s)",
        others="s8",
    ),
    case("s7", "flying", "update video_tasks set claimed_at = null where id = %(flying)s"),
    case("s7", "flying", "update video_tasks set attempts = 0 where id = %(flying)s"),
    case("s7", "flying", "update video_tasks set next_retry_at = now() where id = %(flying)s"),
    case("s7", "flying", "update video_tasks set unknown_since = now() where id = %(flying)s"),
    case("s7", "waiting", "update video_tasks set grsai_task_id = 'early' where id = %(waiting)s"),
    case("s7", "waiting", "update video_tasks set unknown_since = now() where id = %(waiting)s"),
    case("s7", "waiting", "update video_tasks set resubmits = 2 where id = %(waiting)s"),
    case("s7", "won", "update video_tasks set grsai_task_id = null where id = %(won)s"),
    case("s8", "batchctl_keep_verdict", "alter table video_tasks disable trigger batchctl_keep_verdict"),
    case("s8", "batchctl_keep_ledger", "alter table credit_ledger enable replica trigger batchctl_keep_ledger"),
    case("s8", "batchctl_keep_settlement", "drop trigger batchctl_keep_settlement on batch_jobs"),
    case(
        "s8", "batch_jobs_frozen_when_claimed", "alter table batch_jobs drop constraint batch_jobs_frozen_when_claimed"
    ),
    case("s8", "video_tasks_remote_id", "drop index video_tasks_remote_id"),
    case(
        "s8",
        "credit_ledger_batch_once",
        "drop index credit_ledger_batch_once",
        "create index credit_ledger_batch_once on credit_ledger (ref_id, ref_type, bucket)",
    ),
    case("s9", "gift", "update batch_jobs set completed_at = null where id = %(gift)s", hides=True),
    case("s9", "going", "update batch_jobs set completed_at = created_at where id = %(going)s"),
    case("s9", "gift", "update batch_jobs set created_at = completed_at + interval '6 min' where id = %(gift)s"),
    case("s10", "going", "update batch_jobs set tasks_pending = 3 where id = %(going)s"),
    case("s10", "gift", "update video_tasks set batch_job_id = null where id = %(given)s"),
    case(
        "s11",
        "won",
        "insert into late_results (task_id, grsai_task_id, video_url, seen_at)"
        " values (%(won)s, 'r', 'https://v', now())",
    ),
    case("l1", "flying", "update video_tasks set next_poll_at = now() + interval '2 days' where id = %(flying)s"),
    case("l1", "waiting", "update video_tasks set next_retry_at = now() + interval '2 days' where id = %(waiting)s"),
    case(
        "l1",
        "event",
        "update batch_jobs set webhook_status = 'retrying' where id = %(done)s",
        "update webhook_deliveries set status = 'retrying', delivered_at = null, next_attempt_at = 'infinity'"
        " where id = %(event)s",
    ),
    case("l2", "flying", "update video_tasks set poll_count = 20 where id = %(flying)s"),
    case(
        "w1",
        "done",
        "delete from delivery_attempts where delivery_id = %(event)s",
        "delete from webhook_deliveries where id = %(event)s",
    ),
    case("w1", "gift", "update batch_jobs set webhook_url = 'https://x' where id = %(gift)s"),
    case("w1", "gift", "update batch_jobs set webhook_status = 'sent' where id = %(gift)s"),
    case("w1", "done", "update batch_jobs set webhook_url = null where id = %(done)s"),
    case("w2", "event", """update webhook_deliveries set body = replace(body, '":20,', '":2,') where id = %(event)s"""),
    case("w2", "event", "update webhook_deliveries set body = body || ' ' where id = %(event)s"),
    case("w2", "event", "update webhook_deliveries set body = 'no JSON' where id = %(event)s"),
    case("w2", "event", "update webhook_deliveries set event_type = 'batch.failed' where id = %(event)s"),
    case("w2", "event", "update batch_jobs set last_error = 'a \"word\"' where id = %(done)s"),
    case("w3", "event", "update batch_jobs set webhook_status = 'failed' where id = %(done)s"),
    case("w3", "event", "update batch_jobs set webhook_attempts = 0 where id = %(done)s"),
    case("w3", "event", "update webhook_deliveries set delivered_at = null where id = %(event)s"),
    case("w3", "event", "update webhook_deliveries set last_status_code = 500 where id = %(event)s"),
    case("w3", "event", "update webhook_deliveries set next_attempt_at = now() where id = %(event)s"),
    case(
        "w3",
        "event",
        "update batch_jobs set webhook_status = 'retrying' where id = %(done)s",
        "update webhook_deliveries set status = 'retrying', delivered_at = null where id = %(event)s",
    ),
    case(
        "w3",
        "event",
        "insert into webhook_endpoints (user_id, url) select user_id, webhook_url from batch_jobs where id = %(done)s",
        "update batch_jobs set webhook_status = 'retrying' where id = %(done)s",
        "update webhook_deliveries set status = 'retrying', delivered_at = null, last_error = 'ENDPOINT_DISABLED'"
        " where id = %(event)s",
    ),
    case("w4", "event", "delete from delivery_attempts where delivery_id = %(event)s"),
    case("w4", "event", "update delivery_attempts set status_code = 500 where delivery_id = %(event)s"),
]


@pytest.mark.parametrize("since", [None, HOUR], ids=["all", "lately"])
@pytest.mark.parametrize("broken", BREAKS)
def test_each_check_finds_what_it_is_there_for(scene: Scene, broken: Break, since: timedelta | None) -> None:
    """Each way to break a rule is found by its check, which names the row, also in a look at what moved lately."""
    scene.ids.setdefault("stranger", UUID(int=7))
    scene.ids.setdefault("added", 1_000_000)

    with scene.broken(*broken.statements):
        report = scene.audit(since=since)

    found = {check.name.partition("_")[0]: check for check in report.broken}
    if broken.hides and since is not None:
        assert found == {}
        return
    assert found.keys() == {broken.code} | broken.others
    named = [offender.id for offender in found[broken.code].first_offenders]
    assert sorted(named) == sorted(str(scene.ids.get(name, name)) for name in broken.offenders)
    assert found[broken.code].found == len(named)
    assert all(offender.detail for offender in found[broken.code].first_offenders)


def test_every_check_has_a_test() -> None:
    """There is no check that nobody has seen finding something, and no file that is not run."""
    assert {parameter.values[0].code for parameter in BREAKS} == {check.code for check in EVERY}
    assert {check.name for check in EVERY} == {path.stem for path in (sql_dir() / "audit").glob("*.sql")}


def test_every_guard_is_watched(db_connection: Conn) -> None:
    """Each trigger of ours, and each constraint that has a name of its own, is among those that s8 asks for."""
    guards = db_connection.execute(
        "select tgname::text from pg_trigger where not tgisinternal"
        " union all select conname from pg_constraint where contype = 'c' and conname !~ '_check$'"
        " and conrelid in ('batch_jobs'::regclass, 'credit_ledger'::regclass)"
    ).fetchall()
    text = (sql_dir() / "audit/s8_guards_stand.sql").read_text()

    assert len(guards) > 15
    assert [name for (name,) in guards if f"'{name}'" not in text] == []


def test_what_is_in_order_is_not_found(scene: Scene) -> None:
    """Settled, refused, open and waiting batches break nothing."""
    report = scene.audit()

    assert (report.found, report.broken) == (0, ())
    assert [check.name for check in report.checks] == [check.name for check in EVERY]


def test_each_check_says_what_it_guards() -> None:
    """A check has a sentence that fits into a line of a wide terminal, and a name that fits into a narrow one."""
    assert [check.guards for check in EVERY if not check.guards.endswith(".") or ". " in check.guards] == []
    assert max(len(check.guards) for check in EVERY) < 120
    assert max(len(check.name) for check in EVERY) < 30
    assert len({check.code for check in EVERY}) == len(EVERY)


def test_many_offenders_are_counted_and_some_named(scene: Scene) -> None:
    """However many rows break a rule, the first ones are named and all are counted."""
    with scene.broken(
        "insert into credit_wallet (user_id, permanent_credits)"
        " select gen_random_uuid(), 5 from generate_series(1, 2000)"
    ):
        (check,) = scene.audit(offender_limit=3).broken

    assert (check.found, len(check.first_offenders)) == (2000, 3)
    assert check.first_offenders[0].detail == (
        "the wallet holds 5 permanent and 0 bonus, its ledger adds up to 0 and 0"
    )


def test_since_leaves_out_what_is_over(scene: Scene) -> None:
    """A batch that ended before is looked at by a whole audit only, as is a customer whose credits rest."""
    with scene.broken(
        "update batch_jobs set created_at = created_at - interval '9 days'",
        "update batch_jobs set completed_at = completed_at - interval '9 days'",
        "update batch_jobs set failed_count = 7 where id in (%(done)s, %(gift)s)",
        "update batch_jobs set completed_at = now() where id = %(gift)s",
        f"{LEDGER} values (%(user)s, 'adjust', 5, null, null, 'permanent')",
        f"{LEDGER} values (%(other)s, 'adjust', 5, null, null, 'permanent')",
        "update credit_ledger set created_at = now() - interval '9 days' where user_id = %(user)s",
        "update credit_wallet set updated_at = now() - interval '9 days'",
    ):
        found = {check.name: [one.id for one in check.first_offenders] for check in scene.audit().broken}
        report = scene.audit(since=48 * HOUR)
        lately = {check.name: [one.id for one in check.first_offenders] for check in report.broken}

    ids = {name: str(row_id) for name, row_id in scene.ids.items()}
    assert lately == {"s2_counts_are_tasks": [ids["gift"]], "m2_wallet_is_ledger": [ids["other"]]}
    assert set(found["s2_counts_are_tasks"]) == {ids["done"], ids["gift"]}
    assert set(found["m2_wallet_is_ledger"]) == {ids["user"], ids["other"]}


def test_hostile_rows_stop_no_check(scene: Scene) -> None:
    """Numbers beyond all bounds, odd ids, odd JSON: such rows are found or passed over, and every check runs on."""
    with scene.broken(
        "alter table batch_jobs drop constraint batch_jobs_spent_within_frozen",
        "update batch_jobs set cost_per_video = 9223372036854775807, total_count = 2147483647 where id = %(going)s",
        "update batch_jobs set frozen_credits = 9223372036854775807, credits_spent = -9223372036854775808,"
        " cost_per_video = null where id = %(done)s",
        "insert into credit_wallet (user_id, permanent_credits, bonus_credits)"
        " values (gen_random_uuid(), 9223372036854775807, 9223372036854775807)",
        f"{LEDGER} values (%(user)s, 'refund', 9223372036854775807, 'batch_refund', '{{', 'permanent'),"
        " (%(user)s, 'refund', 9223372036854775807, 'batch_refund', 'ffffffff-ffff-ffff-ffff-fffffffffffg', 'bonus')",
        """update credit_ledger set meta = '{"expired_bonus": "much", "use_bonus": [1]}' where id = %(refund)s""",
        """update credit_ledger set meta = '[1, 2]' where id = %(freeze)s""",
        "update webhook_deliveries set body = E'\\x01 %%s {}', attempts = 2147483647 where id = %(event)s",
        "update video_tasks set next_poll_at = 'infinity' where id = %(flying)s",
    ):
        report = scene.audit()

    assert {"m2", "m9", "m12", "s3", "l1", "w2", "w3", "w4"} - set(codes(report)) == set()


def test_workers_at_work_break_nothing(company: Company) -> None:
    """At any moment of a pass, with submissions, polls and webhooks in the air, the audit finds nothing."""
    reports: list[AuditReport] = []
    alone = Lock()
    with ExitStack() as stack:
        db = stack.enter_context(closing(Database(company.dsn, company.clock.sleep)))

        def look_now(_: object) -> None:
            with alone:
                reports.append(
                    db.survey(
                        lambda tx: look(tx, EVERY, since=None, now=company.clock(), max_poll_count=20, offender_limit=5)
                    )
                )

        company.when_asked = company.when_told = look_now
        user_id = company.customer(permanent=100, bonus=35)
        company.enqueue(user_id, ["a [sim: polls=2]", "b [sim: submit=503 submit_times=1]", "c [sim: fail=error]"])
        company.enqueue(user_id, ["d"], webhook="/hook?sim=500&times=2")
        company.enqueue(company.customer(), 2)
        company.run_until_quiet()

    assert len(reports) > 10
    assert [report.broken for report in reports if report.found] == []


def test_all_checks_see_one_moment(company: Company) -> None:
    """What others commit while an audit runs is not seen by half of its checks; nobody waits for it."""
    user_id = company.customer(permanent=100)

    def spoil(_: object) -> None:
        company.sql("update credit_wallet set permanent_credits = permanent_credits + 1")

    def look_meanwhile(tx: Conn) -> AuditReport:
        now = company.clock()
        return look(tx, EVERY, since=None, now=now, max_poll_count=20, offender_limit=5, begin=spoil)

    assert company.world.db.survey(look_meanwhile).found == 0
    assert company.wallet(user_id) == (100 + len(EVERY), 0)
    assert audit(company.world, checks(["m2"]).checks).found == 1
    company.sql("update credit_wallet set permanent_credits = 100")


def test_check_that_takes_too_long_is_named(company: Company) -> None:
    """When the database ends a statement, the operator learns which check it was and what to do."""
    session = {"statement_timeout": "200ms", "lock_timeout": "0"}
    with (
        closing(Database(company.dsn, company.clock.sleep, session=session)) as db,
        psycopg.connect(company.dsn) as other,
    ):
        other.execute("lock table late_results")
        with pytest.raises(
            Problem, match=r"s11_late_changes_nothing did not come to its end \(.*timeout\): --since 2d"
        ):
            audit(replace(company.world, db=db), EVERY)


def test_busy_database_is_said_to_be_busy(company: Company) -> None:
    """A table that somebody locks for long is no finding; the operator is told so, and nothing waits for ever."""
    session = {"lock_timeout": "50ms"}
    with (
        closing(Database(company.dsn, company.clock.sleep, session=session)) as db,
        psycopg.connect(company.dsn) as other,
    ):
        other.execute("lock table late_results")
        with pytest.raises(Problem, match="lock timeout"):
            audit(replace(company.world, db=db), EVERY)


def test_checks_are_chosen_by_name_or_code() -> None:
    """A check is meant by its name or its code, in whatever order and case; one that is not there is told."""
    chosen = checks(["w1", "m2_wallet_is_ledger", " M1 "]).checks
    assert [check.code for check in chosen] == ["m1", "m2", "w1"]
    with pytest.raises(UsageProblem, match="there is no check 'm99': `batchctl audit --list`"):
        checks(["m2", "m99"])


def test_cost_of_a_look_at_what_moved_lately(company: Company) -> None:
    """However long the history, such a look reads it by index: a few pages for each check."""
    user_id = company.customer(permanent=100)
    company.enqueue(user_id, 3)
    company.run_until_quiet()
    company.enqueue(user_id, ["x [sim: never]"])
    company.run_pass()
    test_plans.add_history(company, 3000)
    company.sql("set session_replication_role = replica")
    company.sql("update credit_ledger set created_at = now() - interval '30 days' where user_id <> %s", user_id)
    company.sql("update credit_wallet set updated_at = now() - interval '30 days' where user_id <> %s", user_id)
    company.sql("reset session_replication_role")
    company.sql("vacuum analyze")

    with pytest.MonkeyPatch.context() as patch, test_plans.explained(patch) as plans:
        audit(company.world, EVERY, since=company.clock() - HOUR)

    costs = {name: pages for name, pages in plans.buffers.items() if name.startswith("audit/")}
    assert len(costs) == len(EVERY)
    large = {"batch_jobs", "video_tasks", "webhook_deliveries", "delivery_attempts"}
    assert {(name, table) for name, table in plans.scanned if table in large} == set()
    assert {name: pages for name, pages in costs.items() if pages > 300} == {}
    test_plans.forget(company)


@pytest.fixture(params=[False, True], ids=["functions of 104", "functions of 100"])
def inherited(request: pytest.FixtureRequest, empty_dsn: str) -> Iterator[tuple[Company, Leftovers]]:
    """Give a company that has just adopted the original's database, with every kind of leftover in it."""
    variant = Variant(functions_of_100=request.param)
    with original(empty_dsn, variant) as old, at_work(empty_dsn) as company:
        left = leave_behind(old, f"{company.receiver.base_url}/hook")
        company.provider.stop()
        with closing(Database(empty_dsn, company.clock.sleep, session=SESSION)) as db:
            migrate(db, company.clock.sleep)
        yield company, left


def test_leftovers_are_no_findings(inherited: tuple[Company, Leftovers]) -> None:
    """Right after an adoption, before any pass and again when it is applied, what the original left is exempt."""
    company, _ = inherited
    adopted = audit(company.world, EVERY)
    assert adopted.adoption is not None
    assert (adopted.broken, adopted.adoption.applied_at) == ((), None)

    with closing(Database(company.dsn, company.clock.sleep, session=SESSION)) as db:
        adoption.apply(db, company.clock.sleep)

    applied = audit(company.world, EVERY)
    assert applied.adoption is not None
    assert applied.broken == ()
    assert applied.adoption.applied_at is not None


def test_what_is_done_since_the_adoption_is_bound(inherited: tuple[Company, Leftovers]) -> None:
    """On an adopted database rules bind what batchctl wrote, and what nobody may ever do: wallets, ledger, doubles."""
    company, left = inherited
    company.clock.advance(400)
    company.run_pass()
    scene = Scene(company=company, ids=asdict(left))
    assert company.batch(left.without_tasks).settlement_status == "refunded"

    ended = "update batch_jobs set {} where id = %(without_tasks)s"
    breaks = {
        "m2": f"{WALLET} + 1 where user_id = %(user_id)s",
        "m4": ended.format("frozen_credits = frozen_credits + 1"),
        "m5": ended.format("cost_per_video = 0, credits_spent = 1"),
        "m7": ended.format("settlement_status = 'finalized'"),
        "m8": "update credit_ledger set user_id = gen_random_uuid() where ref_id = %(without_tasks)s::text",
        "m9": f"{LEDGER} values (%(user_id)s, 'refund', 1, 'batch_refund', 'none', 'permanent')",
        "s1": ended.format("status = 'processing'"),
        "s2": ended.format("failed_count = 9"),
        "s5": "update video_tasks set failure_type = null where batch_job_id = %(failed_paid)s",
        "s7": "update video_tasks set grsai_task_id = id where batch_job_id = %(queued)s and claimed_at is not null",
        "s9": ended.format("completed_at = created_at - interval '1 day'"),
        "s10": ended.format("tasks_failed = 9"),
        "l2": "update video_tasks set status = 'processing', poll_count = 20, grsai_task_id = id"
        " where batch_job_id = %(queued)s and claimed_at is not null",
        "w1": ended.format("webhook_status = null"),
        "w2": "update webhook_deliveries set body = '' where batch_job_id = %(without_tasks)s",
        "w3": ended.format("webhook_status = 'failed'"),
    }
    if company.ledger(left.without_tasks)[0][0] == "batch_upfront":
        breaks |= {
            "m3": ended.format("frozen_credits = frozen_credits + 1"),
            "m11": "update credit_ledger set bucket = 'bonus'"
            " where ref_id = %(without_tasks)s::text and type = 'refund'",
        }
    for code, statement in breaks.items():
        with scene.broken(statement):
            assert code in codes(scene.audit()), code


def test_old_tasks_may_share_a_job_and_be_asked_too_often(empty_dsn: str) -> None:
    """What the original sent may share a job or be past our number of polls, until a pass has asked for it."""
    with original(empty_dsn, Variant()) as old, at_work(empty_dsn) as company:
        batch_id = old.paid(old.user(permanent=100), 2)
        for task_id in old.tasks(batch_id):
            old.set_task(task_id, status="processing", attempts=1, grsai_task_id="same", poll_count=99)
        with closing(Database(empty_dsn, company.clock.sleep, session=SESSION)) as db:
            migrate(db, company.clock.sleep)
        assert audit(company.world, EVERY).broken == ()

        old.run("update video_tasks set claimed_at = now(), first_attempt_at = now()")

        assert codes(audit(company.world, EVERY)) == ["s6", "l2"]
        old.run("delete from video_tasks")
        old.run("delete from batch_jobs")


def test_what_the_original_settles_beside_is_exempt(empty_dsn: str) -> None:
    """Until adoption is applied the original may go on in its own way; what it does then is no finding."""
    with original(empty_dsn, Variant()) as old, at_work(empty_dsn) as company:
        user_id = old.user(permanent=100, bonus=20)
        with closing(Database(empty_dsn, company.clock.sleep, session=SESSION)) as db:
            migrate(db, company.clock.sleep)
        batch_id = old.paid(user_id, 2, webhook="https://customer.example/hook")
        won, lost = old.tasks(batch_id)
        old.set_task(won, status="processing", attempts=1, grsai_task_id="r-1")
        assert audit(company.world, EVERY).broken == ()
        old.set_task(won, status="succeeded", video_url="https://v")
        old.set_task(lost, status="failed", error_message="moderation")
        old.finalize(batch_id, 1)
        assert audit(company.world, EVERY).broken == ()
        old.set_batch(batch_id, status="partial", success_count=1, failed_count=1, webhook_status="sent")

        assert audit(company.world, EVERY).broken == ()
