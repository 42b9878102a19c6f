"""oban: one job for each task, which snoozes between its steps and keeps the provider's id in its own metadata."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from bench.clients import open_client
from bench.contestants.steps import Steps, statement
from bench.stage import Stage
from bench.work import Assignment

oban: Any = import_module("oban")
schema: Any = import_module("oban.schema")
psycopg: Any = import_module("psycopg")

STAGE_EVERY_S = 0.05
"""How often snoozed jobs are looked for; the default is a second, which would be most of the time here."""


async def perform(assignment: Assignment, stage: Stage) -> None:
    """Enqueue, work until every webhook is delivered, and stop the worker in an orderly way."""
    work = assignment.work
    pool = await oban.Oban.create_pool(assignment.dsn)

    async def execute(sql: str, params: Sequence[object]) -> Any:
        async with pool.connection() as conn:
            return await (await psycopg.AsyncRawCursor(conn).execute(sql, params)).fetchone()

    async with open_client(assignment.client, assignment.provider_url, work.places) as post:
        steps = Steps(post, execute, work.batches)

        @oban.worker(queue="default")
        class Announcement:
            async def process(self, job: Any) -> None:
                await steps.announce(job.args["batch_id"])

        async def announce(batch_id: int) -> None:
            new: Any = Announcement.new  # type: ignore[attr-defined]  # by the decorator
            await server.enqueue(new({"batch_id": batch_id}))

        @oban.worker(queue="default")
        class Clip:
            async def process(self, job: Any) -> Any:
                if assignment.in_one_job:
                    batch_id = await steps.carry(job.args["task_id"], job.args["prompt"])
                    if batch_id is not None:
                        await announce(batch_id)
                    return None
                remote_id = job.meta.get("remote_id")
                if remote_id is None:
                    return oban.Snooze(0, meta={"remote_id": await steps.submit(job.args["prompt"])})
                ended = await steps.poll(remote_id)
                if ended is None:
                    return oban.Snooze(0)
                batch_id = await steps.finish(job.args["task_id"], remote_id, ended)
                if batch_id is not None:
                    await announce(batch_id)
                return None

        await schema.install(pool)
        async with pool.connection() as conn:
            rows = await (await conn.execute(statement("tasks"))).fetchall()
        server = oban.Oban(pool=pool, queues={"default": work.places}, stager={"interval": STAGE_EVERY_S})
        new: Any = Clip.new  # type: ignore[attr-defined]  # by the decorator
        await server.enqueue_many(*(new({"task_id": task_id, "prompt": prompt}) for task_id, prompt in rows))
        await stage.get_ready()
        async with server:
            await steps.all_announced.wait()
            await stage.be_done()
    await pool.close()
