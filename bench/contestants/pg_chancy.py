"""chancy: one job to submit a task and one for each poll, on its asyncio executor with eager polling."""

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from logging import getLogger
from typing import Any

from bench.clients import open_client
from bench.contestants.steps import Steps, statement
from bench.stage import Stage
from bench.work import Assignment

chancy: Any = import_module("chancy")
psycopg: Any = import_module("psycopg")
Worker: Any = import_module("chancy.worker").Worker

_cast: dict[str, Any] = {}
"""The steps and the application, for jobs: the library finds a job's function by its name in this module."""


async def submit(*, task_id: int, prompt: str) -> None:
    """Send a task, and have it polled."""
    steps: Steps = _cast["steps"]
    if _cast["in_one_job"]:
        batch_id = await steps.carry(task_id, prompt)
        if batch_id is not None:
            await _cast["app"].push(_job(announce).with_kwargs(batch_id=batch_id))
        return
    remote_id = await steps.submit(prompt)
    await _cast["app"].push(_job(poll).with_kwargs(task_id=task_id, remote_id=remote_id))


async def poll(*, task_id: int, remote_id: str) -> None:
    """Ask for a result, and have the task polled again while it runs."""
    steps: Steps = _cast["steps"]
    ended = await steps.poll(remote_id)
    if ended is None:
        await _cast["app"].push(_job(poll).with_kwargs(task_id=task_id, remote_id=remote_id))
        return
    batch_id = await steps.finish(task_id, remote_id, ended)
    if batch_id is not None:
        await _cast["app"].push(_job(announce).with_kwargs(batch_id=batch_id))


async def announce(*, batch_id: int) -> None:
    """Tell the customer."""
    await _cast["steps"].announce(batch_id)


def _job(function: Callable[..., Awaitable[None]]) -> Any:
    return chancy.Job.from_func(function)


async def perform(assignment: Assignment, stage: Stage) -> None:
    """Enqueue, work until every webhook is delivered, and stop the worker in an orderly way."""
    work = assignment.work
    async with (
        open_client(assignment.client, assignment.provider_url, work.places) as post,
        chancy.Chancy(assignment.dsn, log=getLogger("chancy")) as app,  # its own would write a line for each job
    ):

        async def execute(sql: str, params: Sequence[object]) -> Any:
            async with app.pool.connection() as conn:
                return await (await psycopg.AsyncRawCursor(conn).execute(sql, params)).fetchone()

        _cast.update(app=app, steps=Steps(post, execute, work.batches), in_one_job=assignment.in_one_job)
        await app.migrate()
        await app.declare(
            chancy.Queue(
                "default",
                concurrency=work.places,
                executor=chancy.Chancy.Executor.Async,
                polling_interval=1,
                eager_polling=True,
            ),
            upsert=True,
        )
        async with app.pool.connection() as conn:
            rows = await (await conn.execute(statement("tasks"))).fetchall()
        jobs = [_job(submit).with_kwargs(task_id=task_id, prompt=prompt) for task_id, prompt in rows]
        async for _ in app.push_many(jobs):
            pass
        await stage.get_ready()
        async with Worker(app, register_signal_handlers=False):
            await _cast["steps"].all_announced.wait()
            await stage.be_done()
