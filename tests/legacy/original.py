"""The original worker's database with live rows in it, and that worker itself, statement by statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
OLD_TABLES = (
    "users",
    "video_tasks",
    "consumption_records",
    "credit_wallet",
    "credit_ledger",
    "wallets",
    "wallet_ledger",
    "batch_jobs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What differs from one of its installations to the next."""

    optional_columns: bool = True
    """Whether somebody added the columns that its migrations do not make."""
    functions_of_100: bool = False
    """Whether freeze and finalize are those before migration 104, whose ledger rows name no batch."""


class Original:
    """Writes as the original worker and its applications do: functions for money, and updates by id for all else."""

    def __init__(self, dsn: str) -> None:
        """Connect as that worker does, once for all."""
        self.conn: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)

    def run(self, statement: str, *params: object) -> list[Any]:
        """Run a statement and return its rows."""
        cursor = self.conn.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *params: object) -> Any:
        """Run a statement and return its only value."""
        ((found,),) = self.run(statement, *params)
        return found

    def user(self, permanent: int = 0, bonus: int = 0) -> UUID:
        """Sign a user up who buys credits."""
        user_id = uuid4()
        self.run(
            "insert into users (id, google_id, email) values (%s, %s, %s)", user_id, f"g-{user_id}", f"{user_id}@x"
        )
        self.run(
            "insert into credit_wallet (user_id, permanent_credits, bonus_credits, bonus_expires_at)"
            " values (%s, %s, %s, now() + interval '30 days')",
            user_id,
            permanent,
            bonus,
        )
        for kind, amount in (("purchase", permanent), ("bonus_grant", bonus)):
            if amount:
                self.run(
                    "insert into credit_ledger (user_id, type, credits_delta, ref_type)"
                    " values (%s, %s, %s, 'stripe_payment')",
                    user_id,
                    kind,
                    amount,
                )
        return user_id

    def enqueue(self, user_id: UUID, tasks: int, *, total: int | None = None, webhook: str | None = None) -> UUID:
        """Insert a batch and then its tasks at 10 credits each, two hours ago, as that application does."""
        batch_id: UUID = self.value(
            "insert into batch_jobs"
            " (user_id, status, total_count, cost_per_video, webhook_url, created_at, updated_at, enqueued_at)"
            " select %s, 'queued', %s, 10, %s, long_ago, long_ago, long_ago"
            " from (select now() - interval '2 hours') as t (long_ago) returning id",
            user_id,
            tasks if total is None else total,
            webhook,
        )
        self.run(
            "insert into video_tasks (user_id, batch_job_id, batch_index, prompt, created_at, updated_at)"
            " select %s, %s, i, 'old clip ' || i, long_ago, long_ago from generate_series(0, %s - 1) as i,"
            " (select now() - interval '2 hours') as t (long_ago)",
            user_id,
            batch_id,
            tasks,
        )
        return batch_id

    def claim(self, batch_id: UUID) -> None:
        """Take a batch, as its worker does before it pays for it."""
        self.set_batch(batch_id, status="processing")

    def freeze(self, batch_id: UUID) -> dict[str, Any]:
        """Pay for a batch with its function."""
        paid: dict[str, Any] = self.value(
            "select freeze_credits_for_batch(id, user_id, total_count * cost_per_video) from batch_jobs where id = %s",
            batch_id,
        )
        return paid

    def finalize(self, batch_id: UUID, succeeded: int) -> dict[str, Any]:
        """Settle a batch with its function, which changes neither status nor counts."""
        settled: dict[str, Any] = self.value(
            "select finalize_batch_credits(id, user_id, %s * cost_per_video) from batch_jobs where id = %s",
            succeeded,
            batch_id,
        )
        return settled

    def paid(self, user_id: UUID, tasks: int, *, total: int | None = None, webhook: str | None = None) -> UUID:
        """Enqueue a batch that is claimed and paid for."""
        batch_id = self.enqueue(user_id, tasks, total=total, webhook=webhook)
        self.claim(batch_id)
        assert self.freeze(batch_id)["ok"]
        return batch_id

    def tasks(self, batch_id: UUID) -> list[UUID]:
        """Return the ids of a batch's tasks in order."""
        rows = self.run("select id from video_tasks where batch_job_id = %s order by batch_index", batch_id)
        return [task_id for (task_id,) in rows]

    def set_batch(self, batch_id: UUID, **columns: object) -> int:
        """Write columns of a batch by its id, whatever its state; return how many rows that changed."""
        return self._set("batch_jobs", batch_id, columns)

    def set_task(self, task_id: UUID, **columns: object) -> int:
        """Write columns of a task by its id, whatever its state; return how many rows that changed."""
        return self._set("video_tasks", task_id, columns)

    def _set(self, table: str, row_id: UUID, columns: dict[str, object]) -> int:
        assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns)
        statement = sql.SQL("update {} set {} where id = %s").format(sql.Identifier(table), assignments)
        return self.conn.execute(statement, [*columns.values(), row_id]).rowcount

    def age(self) -> None:
        """Let everything lie for two hours, without the trigger that writes when a task was touched."""
        self.run("set session_replication_role = replica")
        for table in ("video_tasks", "batch_jobs"):
            self.conn.execute(
                sql.SQL("update {} set updated_at = updated_at - interval '2 hours'").format(sql.Identifier(table))
            )
        self.run("reset session_replication_role")

    def columns(self) -> dict[str, list[str]]:
        """Return the columns of its tables."""
        return {
            table: [
                name
                for (name,) in self.run(
                    "select attname from pg_attribute"
                    " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
                    table,
                )
            ]
            for table in OLD_TABLES
        }

    def contents(self, columns: dict[str, list[str]]) -> dict[str, list[str]]:
        """Return every row of its tables as text, those columns only."""
        found: dict[str, list[str]] = {}
        for table, names in columns.items():
            row = sql.SQL(", ").join(map(sql.Identifier, names))
            statement = sql.SQL("select row({})::text as line from {} order by line").format(row, sql.Identifier(table))
            found[table] = [line for (line,) in self.conn.execute(statement)]
        return found


@contextmanager
def original(dsn: str, variant: Variant) -> Iterator[Original]:
    """Build the original's database where there is none, and work on it."""
    files = ["tables", "functions"]
    files += ["optional"] if variant.optional_columns else []
    files += ["functions_of_100"] if variant.functions_of_100 else []
    worker = Original(dsn)
    with worker.conn:
        for name in files:
            worker.conn.execute((HERE / f"{name}.sql").read_bytes())
        yield worker
