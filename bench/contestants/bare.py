"""The limit: the same requests in a loop on asyncio, with no database and no promises."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from bench.clients import open_client
from bench.contestants.steps import HOOK_PATH, Steps
from bench.stage import Stage
from bench.work import Assignment, Work


def prompts(work: Work) -> Iterator[str]:
    """Return the prompts of all tasks."""
    return (work.prompt(index) for _ in range(work.batches) for index in range(work.tasks))


async def perform(assignment: Assignment, stage: Stage) -> None:
    """Make the requests with so many tasks at once as there are places, then one webhook a batch."""
    work = assignment.work
    async with open_client(assignment.client, assignment.provider_url, work.places) as post:
        steps = Steps(post, _no_database, work.batches)
        waiting = prompts(work)

        async def carry() -> None:
            for prompt in waiting:
                remote_id = await steps.submit(prompt)
                while await steps.poll(remote_id) is None:
                    pass

        await stage.get_ready()
        await asyncio.gather(*(carry() for _ in range(work.places)))
        for batch_id in range(work.batches):
            body = b'{"batch_id":%d}' % batch_id
            await post(HOOK_PATH, body, {"content-type": "application/json"})
        await stage.be_done()


async def _no_database(_sql: str, _params: Sequence[object]) -> Any:
    raise AssertionError
