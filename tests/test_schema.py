"""What the database itself refuses, derives and counts, whoever writes (contract §1; design §5)."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Cursor, errors, sql

from batchctl.domain.limits import Limits
from batchctl.domain.polling import decide
from batchctl.domain.provider import Running
from batchctl.store import clock, tasks
from tests.conftest import Conn

USER = UUID(int=1)


def add_batch(conn: Conn, **columns: object) -> UUID:
    """Insert a batch, queued with one task of 10 credits unless told otherwise."""
    return add(conn, "batch_jobs", {"user_id": USER, "total_count": 1, "cost_per_video": 10} | columns)


def add_task(conn: Conn, batch_id: UUID | None, **columns: object) -> UUID:
    """Insert a task, pending unless told otherwise."""
    return add(conn, "video_tasks", {"user_id": USER, "batch_job_id": batch_id, "prompt": "clip"} | columns)


def add(conn: Conn, table: str, columns: dict[str, object]) -> UUID:
    """Insert a row and return its id."""
    statement = sql.SQL("insert into {} ({}) values ({}) returning id").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    (row_id,) = one(conn.execute(statement, list(columns.values())))
    assert isinstance(row_id, UUID)
    return row_id


def one(cursor: Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the only row of a result."""
    (row,) = cursor.fetchall()
    return row


def objection(conn: Conn, table: str, row_id: UUID, change: str) -> str | None:
    """Try to change a row and return what the database says against it, None if nothing."""
    statement = sql.SQL("update {} set {} where id = %s").format(
        sql.Identifier(table),
        sql.SQL(change),  # pyright: ignore[reportArgumentType]  # each change is written in a test
    )
    try:
        changed = conn.execute(statement, [row_id])
    except psycopg.IntegrityError as error:
        return error.diag.message_primary
    assert changed.rowcount == 1
    return None


def claimed_batch(conn: Conn) -> UUID:
    """Insert a batch with its one task and claim it, as a worker does."""
    batch_id = add_batch(conn)
    add_task(conn, batch_id)
    conn.execute("update batch_jobs set status = 'processing', frozen_credits = 10 where id = %s", [batch_id])
    return batch_id


def settled_batch(conn: Conn) -> UUID:
    """Insert a batch that was claimed, whose task succeeded and that was settled."""
    batch_id = claimed_batch(conn)
    conn.execute("update video_tasks set status = 'succeeded' where batch_job_id = %s", [batch_id])
    conn.execute(
        "update batch_jobs set status = 'completed', settlement_status = 'finalized', credits_spent = 10,"
        " success_count = 1 where id = %s",
        [batch_id],
    )
    return batch_id


def refused_batch(conn: Conn) -> UUID:
    """Insert a batch that was refused."""
    return add_batch(conn, status="failed", last_error="INSUFFICIENT_CREDITS")


def counters(conn: Conn, batch_id: UUID) -> tuple[int, ...]:
    """Return how many tasks a batch has, and how many are pending, in flight, succeeded, failed."""
    return one(
        conn.execute(
            "select task_count, tasks_pending, tasks_in_flight, tasks_succeeded, tasks_failed"
            " from batch_jobs where id = %s",
            [batch_id],
        )
    )


@pytest.mark.parametrize("end", ["succeeded", "failed"])
def test_verdict_on_a_task_stays(db_connection: Conn, end: str) -> None:
    """No program gets a finished task back into work, into the other end, or out of its batch; it may note things."""
    task_id = add_task(db_connection, add_batch(db_connection), status=end)

    for change in ("status = 'processing'", "status = 'pending'", "status = null", "batch_job_id = null"):
        assert objection(db_connection, "video_tasks", task_id, change) == f"task {task_id} is {end} and stays so"
    assert objection(db_connection, "video_tasks", task_id, "meta = '{}'") is None


def test_single_videos_are_nobodys_business(db_connection: Conn) -> None:
    """A task outside any batch may go wherever its program wants it."""
    task_id = add_task(db_connection, None, status="succeeded")

    assert objection(db_connection, "video_tasks", task_id, "status = 'pending'") is None


def test_settlement_is_final(db_connection: Conn) -> None:
    """Nothing that a settlement fixed can be changed, by whatever program; what is told about it goes on."""
    batch_id = settled_batch(db_connection)

    for change in (
        "status = 'processing'",
        "status = 'failed'",
        "settlement_status = 'pending', credits_spent = 0",
        "settlement_status = 'refunded'",
        "credits_spent = 9",
        "frozen_credits = 20",
        "cost_per_video = 5",
        "total_count = 2",
        "success_count = 0",
        "failed_count = 1",
        "user_id = gen_random_uuid()",
    ):
        said = objection(db_connection, "batch_jobs", batch_id, change)
        assert said == f"batch {batch_id} is completed and finalized and stays so", change
    assert objection(db_connection, "batch_jobs", batch_id, "webhook_status = 'sent', webhook_attempts = 2") is None


def test_refused_batch_is_never_settled(db_connection: Conn) -> None:
    """A batch whose freeze failed stays failed, and its settlement stays pending (contract §2)."""
    batch_id = refused_batch(db_connection)

    for change in (
        "status = 'queued'",
        "status = 'completed'",
        "settlement_status = 'refunded'",
        "status = 'completed', settlement_status = 'finalized'",
    ):
        said = objection(db_connection, "batch_jobs", batch_id, change)
        assert said == f"batch {batch_id} is failed and pending and stays so", change


@pytest.mark.parametrize(
    ("make", "change", "constraint"),
    [
        (
            claimed_batch,
            "settlement_status = 'finalized', status = 'partial', credits_spent = 11",
            "spent_within_frozen",
        ),
        (
            claimed_batch,
            "settlement_status = 'finalized', status = 'partial', credits_spent = -1",
            "spent_within_frozen",
        ),
        (claimed_batch, "credits_spent = 5", "spent_when_settled"),
        (claimed_batch, "settlement_status = 'finalized'", "settled_when_finished"),
        (add_batch, "frozen_credits = 10", "frozen_when_claimed"),
        (
            claimed_batch,
            "settlement_status = 'refunded', status = 'partial', credits_spent = 5, success_count = 1",
            "successes_are_spent",
        ),
        (
            claimed_batch,
            "settlement_status = 'finalized', status = 'failed', credits_spent = 0",
            "unspent_is_refunded",
        ),
        (
            claimed_batch,
            "settlement_status = 'refunded', status = 'completed', credits_spent = 10, success_count = 1",
            "unspent_is_refunded",
        ),
    ],
)
def test_books_of_a_batch_add_up(
    db_connection: Conn, make: Callable[[Conn], UUID], change: str, constraint: str
) -> None:
    """0 ≤ spent ≤ frozen; spent means settled, settled means finished, frozen means claimed (contract §2).

    What is spent is the price of what succeeded, and what is not spent is refunded.
    """
    said = objection(db_connection, "batch_jobs", make(db_connection), change)

    assert said == f'new row for relation "batch_jobs" violates check constraint "batch_jobs_{constraint}"'


def test_no_wallet_goes_below_zero(db_connection: Conn) -> None:
    """Neither bucket can be overdrawn."""
    db_connection.execute(
        "insert into credit_wallet (user_id, permanent_credits, bonus_credits) values (%s, 5, 5)", [USER]
    )

    with pytest.raises(errors.CheckViolation):
        db_connection.execute("update credit_wallet set permanent_credits = permanent_credits - 6")
    with pytest.raises(errors.CheckViolation):
        db_connection.execute("update credit_wallet set bonus_credits = bonus_credits - 6")


def test_ledger_is_never_rewritten(db_connection: Conn) -> None:
    """Rows of the ledger are neither updated nor deleted (contract §1)."""
    db_connection.execute("insert into credit_ledger (user_id, type, credits_delta) values (%s, 'purchase', 5)", [USER])

    for statement in (b"update credit_ledger set meta = '{}'", b"delete from credit_ledger", b"truncate credit_ledger"):
        with pytest.raises(psycopg.IntegrityError, match="never changed or deleted"):
            db_connection.execute(statement)

    assert one(db_connection.execute("select credits_delta, meta from credit_ledger")) == (5, None)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"type": "spend", "ref_type": "batch_upfront", "credits_delta": 5}, "batch_rows_are_signed"),
        ({"type": "refund", "ref_type": "batch_upfront", "credits_delta": -5}, "batch_rows_are_signed"),
        ({"type": "refund", "ref_type": "batch_refund", "credits_delta": 0}, "batch_rows_are_signed"),
        ({"type": "purchase", "ref_type": "batch_refund", "credits_delta": 5}, "batch_rows_are_signed"),
        ({"type": "purchase", "credits_delta": 5, "bucket": "gold"}, "bucket_is_known"),
        ({"type": "spend", "credits_delta": -5, "balance_after": -1}, "balance_is_possible"),
    ],
)
def test_ledger_takes_no_row_that_cannot_be(db_connection: Conn, columns: dict[str, object], constraint: str) -> None:
    """A freeze takes and a refund gives; a bucket is one of the two; no balance is below zero: whoever writes it."""
    row: dict[str, object] = {"user_id": USER, "ref_id": "b-1"} | columns
    statement = sql.SQL("insert into credit_ledger ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )

    with pytest.raises(errors.CheckViolation) as caught:
        db_connection.execute(statement, list(row.values()))

    assert caught.value.diag.constraint_name == f"credit_ledger_{constraint}"


def test_event_is_never_rewritten(db_connection: Conn) -> None:
    """What is sent under a webhook-id is the same in every try; where and when it is sent may change (contract §5)."""
    event: dict[str, object] = {"event_type": "batch.failed", "url": "https://x", "body": "{}"}
    delivery_id = add(db_connection, "webhook_deliveries", event | {"batch_job_id": refused_batch(db_connection)})

    for change in ("body = '[]'", "event_type = 'batch.completed'", "id = gen_random_uuid()", "batch_job_id = null"):
        said = objection(db_connection, "webhook_deliveries", delivery_id, change)
        assert said == f"event {delivery_id} says the same in every try: it is never changed", change
    for change in ("url = 'https://y'", "status = 'sent', attempts = 1"):
        assert objection(db_connection, "webhook_deliveries", delivery_id, change) is None, change


def test_bucket_of_rows_that_others_write(db_connection: Conn) -> None:
    """A row without a bucket gets it from its meta, else from its ref_type or its type (contract §1)."""
    rows = [
        ("spend", "batch_upfront", '{"use_bonus": true}', "bonus"),
        ("spend", "batch_upfront", '{"use_permanent": true}', "permanent"),
        ("refund", "batch_refund", '{"refund_to": "permanent"}', "permanent"),
        ("refund", "batch_refund", '{"refund_to": "bonus"}', "bonus"),
        ("spend", "bonus_credits", None, "bonus"),
        ("spend", "permanent_credits", None, "permanent"),
        ("bonus_grant", "stripe_payment", '{"expires_at": "2030-01-01"}', "bonus"),
        ("purchase", "stripe_payment", None, "permanent"),
        ("adjust", "admin", '{"reason": "kindness"}', "permanent"),
        ("spend", "bonus_credits", '{"use_permanent": true}', "permanent"),
        ("bonus_grant", None, '{"refund_to": "permanent"}', "permanent"),
        ("refund", "batch_refund", None, "permanent"),
        ("spend", None, "[]", "permanent"),
    ]
    derived = [
        (
            type_,
            ref_type,
            meta,
            *one(
                db_connection.execute(
                    "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, meta)"
                    " values (%s, %s, %s, %s, gen_random_uuid()::text, %s) returning bucket",
                    [USER, type_, -5 if type_ == "spend" else 5, ref_type, meta],
                )
            ),
        )
        for type_, ref_type, meta, _ in rows
    ]
    assert derived == rows


def test_bucket_that_is_written_stays(db_connection: Conn) -> None:
    """Whoever knows the bucket is believed."""
    written = db_connection.execute(
        "insert into credit_ledger (user_id, type, credits_delta, bucket, meta)"
        """ values (%s, 'spend', -5, 'bonus', '{"use_permanent": true}') returning bucket""",
        [USER],
    )

    assert one(written) == ("bonus",)


@pytest.mark.parametrize(
    ("type_", "ref_type", "credits_delta"), [("spend", "batch_upfront", -5), ("refund", "batch_refund", 5)]
)
def test_money_of_a_batch_moves_once(db_connection: Conn, type_: str, ref_type: str, credits_delta: int) -> None:
    """One freeze and one refund for each batch and bucket, also by programs that write no bucket."""

    def write(batch: str, bucket: str | None) -> None:
        db_connection.execute(
            "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket)"
            " values (%s, %s, %s, %s, %s, %s)",
            [USER, type_, credits_delta, ref_type, batch, bucket],
        )

    write("b-1", "permanent")
    write("b-1", "bonus")
    write("b-2", "permanent")

    for bucket in ("permanent", "bonus", None):
        with pytest.raises(errors.UniqueViolation):
            write("b-1", bucket)


def test_a_job_of_the_provider_serves_one_task(db_connection: Conn) -> None:
    """No two tasks of batches have the same provider id; videos outside batches may."""
    batch_id = add_batch(db_connection)
    add_task(db_connection, batch_id, grsai_task_id="r-1")
    add_task(db_connection, None, grsai_task_id="r-1")
    add_task(db_connection, None, grsai_task_id="r-1")

    with pytest.raises(errors.UniqueViolation):
        add_task(db_connection, batch_id, grsai_task_id="r-1")


def test_counters_follow_every_kind_of_write(db_connection: Conn) -> None:
    """Inserts, changes of status, moves between batches and deletes by any program move the counters at once."""
    one, two = add_batch(db_connection, total_count=5), add_batch(db_connection, total_count=5)
    states = ["pending", "queued", "processing", "succeeded", "failed"]
    for index, status in enumerate(states):
        add_task(db_connection, one, batch_index=index, status=status)
    add_task(db_connection, None)
    assert counters(db_connection, one) == (5, 2, 1, 1, 1)

    db_connection.execute("update video_tasks set status = 'failed' where status = 'processing'")
    assert counters(db_connection, one) == (5, 2, 0, 1, 2)

    db_connection.execute("update video_tasks set batch_job_id = %s where status in ('pending', 'queued')", [two])
    assert (counters(db_connection, one), counters(db_connection, two)) == ((3, 0, 0, 1, 2), (3, 3, 0, 0, 0))

    db_connection.execute("update video_tasks set batch_job_id = null, status = 'processing' where status = 'queued'")
    assert counters(db_connection, two) == (2, 2, 0, 0, 0)

    db_connection.execute("delete from video_tasks where batch_job_id = %s", [one])
    assert counters(db_connection, one) == (0, 0, 0, 0, 0)

    db_connection.execute(
        "insert into video_tasks (id, user_id, batch_job_id, prompt)"
        " select id, user_id, batch_job_id, prompt from video_tasks where batch_job_id = %s"
        " on conflict (id) do update set status = 'processing'",
        [two],
    )
    assert counters(db_connection, two) == (2, 0, 2, 0, 0)


def test_counters_take_a_task_without_status(db_connection: Conn) -> None:
    """A null status, which the original's table allows, counts as a task in no state: such a batch is not settled."""
    db_connection.execute("alter table video_tasks alter column status drop not null")
    batch_id = claimed_batch(db_connection)

    db_connection.execute("update video_tasks set status = null")

    assert counters(db_connection, batch_id) == (1, 0, 0, 0, 0)
    assert one(db_connection.execute("select next_step from batch_jobs")) == ("adopt",)


def test_one_statement_counts_many_batches(db_connection: Conn) -> None:
    """A statement over many batches is counted once for each, as is a COPY."""
    batches = [add_batch(db_connection, total_count=3) for _ in range(4)]
    with db_connection.cursor().copy(
        "copy video_tasks (user_id, batch_job_id, batch_index, prompt) from stdin"
    ) as copy:
        for batch_id in batches:
            for index in range(3):
                copy.write_row((USER, batch_id, index, "clip"))

    db_connection.execute("update video_tasks set status = 'processing' where batch_index < 2")

    assert {counters(db_connection, batch_id) for batch_id in batches} == {(3, 1, 2, 0, 0)}


def test_claimed_batch_may_get_what_it_was_to_have(db_connection: Conn) -> None:
    """Up to its total a batch under way takes tasks, for so many are paid for; one more is refused."""
    batch_id = add_batch(db_connection, total_count=2)
    db_connection.execute("update batch_jobs set status = 'processing', frozen_credits = 20 where id = %s", [batch_id])
    for index in range(2):
        add_task(db_connection, batch_id, batch_index=index)

    with pytest.raises(psycopg.IntegrityError, match="takes no more tasks"):
        add_task(db_connection, batch_id, batch_index=2)
    assert counters(db_connection, batch_id) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("make", [claimed_batch, settled_batch])
def test_claimed_batch_takes_no_more_tasks(db_connection: Conn, make: Callable[[Conn], UUID]) -> None:
    """What was not paid for cannot slip into a batch afterwards, neither as a new task nor as one of another batch."""
    batch_id, other = make(db_connection), add_batch(db_connection)
    task_id = add_task(db_connection, other)

    with pytest.raises(psycopg.IntegrityError, match="takes no more tasks"):
        add_task(db_connection, batch_id, batch_index=7)
    with pytest.raises(psycopg.IntegrityError, match="takes no more tasks"):
        db_connection.execute("update video_tasks set batch_job_id = %s where id = %s", [batch_id, task_id])


def test_refused_batch_takes_late_tasks(db_connection: Conn) -> None:
    """The rest of a batch may arrive after it was refused: it is there to be failed with the others."""
    batch_id = refused_batch(db_connection)

    add_task(db_connection, batch_id)

    assert one(db_connection.execute("select next_step from batch_jobs")) == ("close",)


def test_what_a_batch_waits_for(db_connection: Conn) -> None:
    """The column that all searches for due work use says what the row says."""
    expected: list[tuple[dict[str, object], str | None]] = [
        ({"task_count": 1}, "claim"),
        ({"task_count": 1, "cost_per_video": 0}, "claim"),
        ({"task_count": 1, "cost_per_video": 2**62}, "claim"),
        ({"task_count": 0}, "fill"),
        ({"task_count": 2}, "refuse"),
        ({"task_count": 0, "total_count": 0}, "refuse"),
        ({"task_count": 1, "total_count": None}, "refuse"),
        ({"task_count": 1, "cost_per_video": None}, "refuse"),
        ({"task_count": 1, "cost_per_video": -1}, "refuse"),
        ({"task_count": 1, "hold_reason": "odd"}, None),
        (
            {"status": "processing", "frozen_credits": 10, "task_count": 2, "tasks_pending": 1, "tasks_failed": 1},
            "start",
        ),
        (
            {
                "status": "processing",
                "frozen_credits": 10,
                "task_count": 2,
                "tasks_pending": 1,
                "tasks_in_flight": 1,
                "cancelled_at": "now",
            },
            "close",
        ),
        (
            {
                "status": "processing",
                "frozen_credits": 10,
                "task_count": 1,
                "tasks_in_flight": 1,
                "cancelled_at": "now",
            },
            "poll",
        ),
        ({"status": "processing", "frozen_credits": 10, "task_count": 1, "tasks_in_flight": 1}, "poll"),
        ({"status": "processing", "frozen_credits": 10, "task_count": 1, "tasks_failed": 1}, "settle"),
        ({"status": "processing", "cost_per_video": 0, "task_count": 1, "tasks_succeeded": 1}, "settle"),
        (
            {"status": "processing", "frozen_credits": 10, "task_count": 1, "tasks_failed": 1, "hold_reason": "odd"},
            None,
        ),
        ({"status": "processing", "task_count": 1, "tasks_pending": 1}, "adopt"),
        ({"status": "failed", "task_count": 1, "tasks_pending": 1}, "close"),
        ({"status": "failed", "task_count": 1, "tasks_failed": 1}, None),
        ({"status": "failed", "frozen_credits": 10, "task_count": 1, "tasks_pending": 1}, "close"),
        ({"status": "failed", "frozen_credits": 10, "task_count": 1, "tasks_in_flight": 1}, "poll"),
        ({"status": "failed", "frozen_credits": 10, "task_count": 1, "tasks_failed": 1}, "settle"),
        (
            {
                "status": "completed",
                "frozen_credits": 10,
                "credits_spent": 10,
                "success_count": 1,
                "settlement_status": "finalized",
                "task_count": 1,
            },
            None,
        ),
    ]
    told: list[tuple[dict[str, object], str | None]] = []
    for row, _ in expected:
        batch_id = add_batch(db_connection, **row)
        (step,) = one(db_connection.execute("select next_step from batch_jobs where id = %s", [batch_id]))
        told.append((row, step))
    assert told == expected


def test_polls_touch_no_index(db_connection: Conn) -> None:
    """At least nine of ten updates by claims and records of polls are heap-only: no index holds what a poll moves."""
    batch_id = add_batch(db_connection, total_count=300)
    db_connection.execute(
        "insert into video_tasks (user_id, batch_job_id, batch_index, prompt, status, grsai_task_id, first_attempt_at)"
        " select %s, %s, i, 'clip', 'processing', 'r-' || i, now() from generate_series(1, 300) as i",
        [USER, batch_id],
    )
    # A look of autovacuum at that very moment keeps old rows from being cleared away; it does not come three times.
    assert any(_heap_only_share(db_connection) >= 0.9 for _ in range(3))


def _heap_only_share(conn: Conn) -> float:
    """Poll all tasks ten times, and return the share of the updates that touched no index."""

    def counts() -> tuple[int, int]:
        conn.execute("select pg_stat_force_next_flush()")
        return one(
            conn.execute("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'video_tasks'")
        )

    updated_before, heap_only_before = counts()
    limits = Limits(poll_waits_s=(0.0, 0.0, 0.0), max_poll_count=1000)
    for _ in range(10):
        now = clock.now(conn)
        due = tasks.find_pollable(conn, task_limit=300, asked_before=now, now=now)
        asked = tasks.claim_polls(conn, due, lease_until=now, now=now)
        records = [decide(task, Running(progress=5), limits, now) for task in asked]
        assert len(tasks.record_polls(conn, records, now=now)) == 300
    updated, heap_only = counts()
    assert updated - updated_before == 6000
    return (heap_only - heap_only_before) / (updated - updated_before)


def test_indexes_of_due_work(db_connection: Conn) -> None:
    """Each index is there and valid, holds live rows only but for lists, and has no column that a poll moves."""
    rows = db_connection.execute(
        "select c.relname, i.indisvalid, i.indisunique, pg_get_indexdef(c.oid) from pg_index as i"
        " inner join pg_class as c on c.oid = i.indexrelid"
        " where i.indrelid in ('batch_jobs'::regclass, 'video_tasks'::regclass) and not i.indisprimary"
    ).fetchall()

    assert {name for name, *_ in rows} == {
        "batch_jobs_due_by_customer",
        "batch_jobs_due_by_age",
        "batch_jobs_held",
        "batch_jobs_ended",
        "batch_jobs_retries",
        "batch_jobs_of_customer",
        "idx_batch_jobs_status_created",
        "video_tasks_finished",
        "video_tasks_of_batch",
        "video_tasks_pending",
        "video_tasks_deferred",
        "video_tasks_unsent",
        "video_tasks_held",
        "video_tasks_remote_id",
        "idx_video_tasks_poll_tracking",
    }
    assert all(valid for _, valid, *_ in rows)
    assert {name for name, _, unique, _ in rows if unique} == {"video_tasks_remote_id"}
    lists = {"video_tasks_of_batch", "batch_jobs_of_customer", "idx_batch_jobs_status_created"}
    assert {name for name, *_, text in rows if " WHERE " not in text} == lists
    moving = ("poll_count", "poll_errors", "last_poll_at", "next_poll_at", "progress", "updated_at", "tasks_in_flight")
    assert [text for *_, text in rows if any(column in text for column in moving)] == []


def test_pages_have_room_for_new_versions(db_connection: Conn) -> None:
    """Rows that change often share their page with nothing that would push the new version off it."""
    rows = db_connection.execute(
        "select relname, array_to_string(reloptions, ' ') from pg_class"
        " where relname in ('batch_jobs', 'video_tasks', 'credit_wallet', 'webhook_deliveries')"
    ).fetchall()

    fill = {name: int(options.partition("fillfactor=")[2].split()[0]) for name, options in rows}
    assert fill == {"batch_jobs": 50, "video_tasks": 50, "credit_wallet": 50, "webhook_deliveries": 70}


def test_deleting_a_batch_takes_what_is_kept_of_it(db_connection: Conn) -> None:
    """An application that deletes a batch with its tasks is not stopped by what the worker keeps beside them."""
    batch_id = refused_batch(db_connection)
    task_id = add_task(db_connection, batch_id)
    delivery_id = add(
        db_connection,
        "webhook_deliveries",
        {"batch_job_id": batch_id, "event_type": "batch.failed", "url": "https://x", "body": "{}"},
    )
    for statement, row_id in (
        ("insert into delivery_attempts (delivery_id, attempt, started_at) values (%s, 1, now())", delivery_id),
        ("insert into late_looks values (%s, now(), now())", task_id),
        ("insert into late_results values (%s, 'r', 'https://v', now())", task_id),
        ("insert into batch_requests select user_id, 'r', id from batch_jobs where id = %s", batch_id),
        ("delete from video_tasks where id = %s", task_id),
        ("delete from batch_jobs where id = %s", batch_id),
    ):
        db_connection.execute(statement.encode(), [row_id])

    kept = db_connection.execute(
        "select batch_job_id from webhook_deliveries union all select delivery_id from delivery_attempts"
        " union all select task_id from late_looks union all select task_id from late_results"
        " union all select batch_job_id from batch_requests"
    )
    assert kept.fetchall() == []


@pytest.fixture
def outsider(pg_admin: Conn) -> Iterator[str]:
    """Give the name of a role without any right."""
    name = f"batchctl_test_{uuid4().hex[:8]}"
    pg_admin.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
    yield name
    pg_admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_who_may_write_tasks_need_not_write_batches(db_connection: Conn, outsider: str) -> None:
    """Counters are kept with the rights of their owner: who may write tasks alone can insert and end them."""
    batch_id = add_batch(db_connection)
    role = sql.Identifier(outsider)
    db_connection.execute(sql.SQL("grant select, insert, update, delete on video_tasks to {}").format(role))
    db_connection.execute(sql.SQL("set role {}").format(role))

    add_task(db_connection, batch_id)
    db_connection.execute("update video_tasks set status = 'failed'")
    with pytest.raises(psycopg.IntegrityError, match="stays so"):
        db_connection.execute("update video_tasks set status = 'pending'")
    with pytest.raises(errors.InsufficientPrivilege):
        db_connection.execute("update batch_jobs set status = 'failed'")

    db_connection.execute("reset role")
    assert counters(db_connection, batch_id) == (1, 0, 0, 0, 1)
    db_connection.execute(sql.SQL("drop owned by {}").format(role))


def test_no_table_of_a_caller_hides_ours(db_connection: Conn) -> None:
    """A temporary table of the same name does not take the counts that belong to the real one."""
    batch_id = add_batch(db_connection)
    db_connection.execute("create temp table batch_jobs (like public.batch_jobs including all)")

    add_task(db_connection, batch_id)

    assert one(db_connection.execute("select task_count from public.batch_jobs")) == (1,)


CONTRACT = {
    "batch_jobs": """
        id uuid not null = gen_random_uuid(), user_id uuid not null, status text, total_count int,
        success_count int = 0, failed_count int = 0, cost_per_video bigint, frozen_credits bigint = 0,
        credits_spent bigint = 0, settlement_status text = 'pending', webhook_url text, webhook_status text,
        webhook_attempts int = 0, webhook_last_error text, webhook_last_sent_at timestamptz, last_error text,
        enqueued_at timestamptz, created_at timestamptz = now(), updated_at timestamptz = now(),
        completed_at timestamptz, hold_reason text
    """,
    "video_tasks": """
        id uuid not null = gen_random_uuid(), user_id uuid not null, batch_job_id uuid, batch_index int, status text,
        model text = 'sora-2', prompt text, reference_url text, aspect_ratio text, duration int, size text, meta jsonb,
        grsai_task_id text, progress int, video_url text, error_message text, failure_reason text, failure_type text,
        poll_count int not null = 0, last_poll_at timestamptz, attempts int = 0, last_error text,
        next_retry_at timestamptz, created_at timestamptz, updated_at timestamptz, completed_at timestamptz,
        next_poll_at timestamptz, poll_errors int = 0, submit_errors int = 0, submit_defers int = 0,
        provider_host text, video_url_seen_at timestamptz, hold_reason text
    """,
    "credit_wallet": """
        user_id uuid not null, permanent_credits bigint, bonus_credits bigint, bonus_expires_at timestamptz,
        created_at timestamptz, updated_at timestamptz
    """,
    "credit_ledger": """
        id bigint not null = nextval('credit_ledger_id_seq'::regclass), user_id uuid, type text, model text,
        credits_delta bigint, ref_type text, ref_id text, meta jsonb, created_at timestamptz, bucket text,
        balance_after bigint
    """,
    "webhook_deliveries": """
        id uuid not null, batch_job_id uuid, event_type text, url text, body text, status text, attempts int,
        next_attempt_at timestamptz, last_status_code int, last_error text, created_at timestamptz,
        delivered_at timestamptz
    """,
    "delivery_attempts": "started_at timestamptz, status_code int, error text, duration_ms int",
    "late_results": "task_id uuid, grsai_task_id text, video_url text, seen_at timestamptz",
    "batch_requests": "user_id uuid not null, request_id text not null",
}
"""Contract §1, column by column: its type, whether it must be given, and its default where the contract names one."""

KEYS = {
    "batch_jobs": ["id"],
    "video_tasks": ["id"],
    "credit_wallet": ["user_id"],
    "credit_ledger": ["id"],
    "batch_requests": ["user_id", "request_id"],
}


@pytest.mark.parametrize("table", CONTRACT)
def test_columns_are_those_of_the_contract(db_connection: Conn, table: str) -> None:
    """A fresh database has each column that other programs rely on, with its type and default (contract §1)."""
    rows = db_connection.execute(
        "select column_name::text, case udt_name when 'int4' then 'int' when 'int8' then 'bigint' else udt_name end,"
        " is_nullable = 'NO', regexp_replace(column_default, '::text$', '')"
        " from information_schema.columns where table_schema = 'public' and table_name = %s",
        [table],
    ).fetchall()
    there = {name: (type_, is_needed, default) for name, type_, is_needed, default in rows}

    for promise in CONTRACT[table].split(","):
        text, _, default = promise.strip().partition(" = ")
        name, type_, *needed = text.split()
        assert name in there, name
        has_type, is_needed, has_default = there[name]
        assert has_type == type_, name
        assert is_needed or not needed, name
        assert has_default == default or not default, name


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_those_of_the_contract(db_connection: Conn, table: str) -> None:
    """The primary keys that the contract names identify the rows."""
    columns = db_connection.execute(
        "select a.attname from pg_index as i inner join pg_attribute as a"
        " on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indisprimary and i.indrelid = %s::regclass order by a.attnum",
        [table],
    ).fetchall()

    assert [name for (name,) in columns] == KEYS[table]


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("batch_jobs", "status", "done"),
        ("batch_jobs", "settlement_status", "settled"),
        ("batch_jobs", "webhook_status", "delivered"),
        ("video_tasks", "status", "done"),
        ("credit_ledger", "type", "gift"),
        ("webhook_deliveries", "status", "delivered"),
    ],
)
def test_words_are_those_of_the_contract(db_connection: Conn, table: str, column: str, word: str) -> None:
    """A state or kind that the contract does not name is refused by the check of its column."""
    batch_id = add_batch(db_connection)
    rows: dict[str, dict[str, object]] = {
        "batch_jobs": {"user_id": USER, "status": "completed", "total_count": 1, "cost_per_video": 0},
        "video_tasks": {"user_id": USER, "batch_job_id": batch_id},
        "credit_ledger": {"user_id": USER, "credits_delta": 1},
        "webhook_deliveries": {"batch_job_id": batch_id, "event_type": "batch.failed", "url": "https://x", "body": ""},
    }

    with pytest.raises(errors.CheckViolation) as caught:
        add(db_connection, table, rows[table] | {column: word})

    assert caught.value.diag.constraint_name == f"{table}_{column}_check"
