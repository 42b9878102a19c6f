"""procrastinate: one job to submit a task, one to poll it, which is retried while the task runs."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from bench.clients import open_client
from bench.contestants.steps import Steps, statement
from bench.stage import Stage
from bench.work import Assignment

procrastinate: Any = import_module("procrastinate")
psycopg: Any = import_module("psycopg")


class StillRunningError(Exception):
    """The task runs; the job is to be retried."""


class RetryAtOnce(procrastinate.BaseRetryStrategy):  # type: ignore[misc]  # its package is not in the checker's sight
    """Retries a poll that found the task running, without a wait, as often as it takes."""

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> Any:  # noqa: ARG002 - its library's signature
        """Return when to retry; None for real errors."""
        return procrastinate.RetryDecision() if isinstance(exception, StillRunningError) else None


async def perform(assignment: Assignment, stage: Stage) -> None:
    """Enqueue, work until every webhook is delivered, and stop the worker in an orderly way."""
    work = assignment.work
    connector = procrastinate.PsycopgConnector(conninfo=assignment.dsn)
    app = procrastinate.App(connector=connector)

    async def execute(sql: str, params: Sequence[object]) -> Any:
        async with connector.pool.connection() as conn:
            return await (await psycopg.AsyncRawCursor(conn).execute(sql, params)).fetchone()

    async with (
        open_client(assignment.client, assignment.provider_url, work.places) as post,
        app.open_async(),
    ):
        steps = Steps(post, execute, work.batches)

        async def announce(batch_id: int) -> None:
            await steps.announce(batch_id)

        async def poll(task_id: int, remote_id: str) -> None:
            ended = await steps.poll(remote_id)
            if ended is None:
                raise StillRunningError
            batch_id = await steps.finish(task_id, remote_id, ended)
            if batch_id is not None:
                await announcing.defer_async(batch_id=batch_id)

        async def submit(task_id: int, prompt: str) -> None:
            if assignment.in_one_job:
                batch_id = await steps.carry(task_id, prompt)
                if batch_id is not None:
                    await announcing.defer_async(batch_id=batch_id)
                return
            await polling.defer_async(task_id=task_id, remote_id=await steps.submit(prompt))

        announcing = app.task(announce, name="announce")
        polling = app.task(poll, name="poll", retry=RetryAtOnce())
        submitting = app.task(submit, name="submit")
        await app.schema_manager.apply_schema_async()
        async with connector.pool.connection() as conn:
            rows = await (await conn.execute(statement("tasks"))).fetchall()
        await submitting.batch_defer_async(*({"task_id": task_id, "prompt": prompt} for task_id, prompt in rows))
        await stage.get_ready()
        worker = asyncio.create_task(app.run_worker_async(concurrency=work.places, install_signal_handlers=False))
        await steps.all_announced.wait()
        await stage.be_done()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
