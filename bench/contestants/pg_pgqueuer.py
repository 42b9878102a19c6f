"""pgqueuer: one job to submit a task and one for each poll, over a pool of asyncpg, as its documentation recommends."""

import asyncio
import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from bench.clients import open_client
from bench.contestants.steps import Steps, statement
from bench.stage import Stage
from bench.work import Assignment

asyncpg: Any = import_module("asyncpg")
pgqueuer: Any = import_module("pgqueuer")
queries_module: Any = import_module("pgqueuer.queries")
db_module: Any = import_module("pgqueuer.db")


async def _keep(_conn: Any) -> None:
    """Leave a connection as it is when it goes back to the pool; resetting it would take four more statements."""


async def perform(assignment: Assignment, stage: Stage) -> None:
    """Enqueue, work until every webhook is delivered, and stop the worker in an orderly way."""
    work = assignment.work
    where = dict(part.split("=", 1) for part in assignment.dsn.split())
    where["database"] = where.pop("dbname")

    async with (
        open_client(assignment.client, assignment.provider_url, work.places) as post,
        asyncpg.create_pool(**where, reset=_keep) as pool,
    ):

        async def execute(sql: str, params: Sequence[object]) -> Any:
            return await pool.fetchrow(sql, *params)

        steps = Steps(post, execute, work.batches)
        queries = queries_module.Queries(db_module.AsyncpgPoolDriver(pool))
        await queries.install()
        worker = pgqueuer.PgQueuer.from_asyncpg_pool(pool)

        async def submit(job: Any) -> None:
            task_id, prompt = json.loads(job.payload)
            if assignment.in_one_job:
                batch_id = await steps.carry(task_id, prompt)
                if batch_id is not None:
                    await queries.enqueue("announce", str(batch_id).encode())
                return
            await queries.enqueue("poll", json.dumps([task_id, await steps.submit(prompt)]).encode())

        async def poll(job: Any) -> None:
            task_id, remote_id = json.loads(job.payload)
            ended = await steps.poll(remote_id)
            if ended is None:
                await queries.enqueue("poll", job.payload)
                return
            batch_id = await steps.finish(task_id, remote_id, ended)
            if batch_id is not None:
                await queries.enqueue("announce", str(batch_id).encode())

        async def announce(job: Any) -> None:
            await steps.announce(int(job.payload))

        for step in (submit, poll, announce):
            worker.entrypoint(step.__name__)(step)
        rows = await pool.fetch(statement("tasks"))
        payloads = [json.dumps([row["id"], row["prompt"]]).encode() for row in rows]
        await queries.enqueue(["submit"] * len(payloads), payloads, [0] * len(payloads))
        await stage.get_ready()
        # The library wants twice as many jobs at once as it takes in one go; the client keeps to the places.
        running = asyncio.create_task(worker.run(batch_size=work.places, max_concurrent_tasks=2 * work.places))
        await steps.all_announced.wait()
        await stage.be_done()
        worker.shutdown.set()
        await running
