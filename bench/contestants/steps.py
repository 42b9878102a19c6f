"""What an application on a job queue does for this work, whatever the queue: the same for every peer.

Where steps are jobs of their own, the queue carries a task's prompt and its id at the provider, and the application's
tables take the result: one statement a task, and three a batch, which is fewer than batchctl's contract asks of
batchctl. Where one job stays with its task, each step is written down as batchctl does: three statements a task.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.clients import HEADERS, Post
from bench.work import WEBHOOK_SECRET

Execute = Callable[[str, Sequence[object]], Awaitable[Any]]
"""Runs a statement with $1, $2, … in a transaction of its own and returns its first row, or None."""

SUBMIT_PATH = "/v1/video/sora-video"
POLL_PATH = "/v1/draw/result"
HOOK_PATH = "/hook"


@cache
def statement(name: str) -> str:
    """Return the SQL of a file beside this one."""
    return (Path(__file__).with_name("sql") / f"{name}.sql").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a task ended."""

    succeeded: bool
    video_url: str | None
    error: str | None


class Steps:
    """The steps of the work, each to be called from a job."""

    def __init__(self, post: Post, execute: Execute, batches: int) -> None:
        """Take the client and the application's database."""
        self._post = post
        self._execute = execute
        self._left = batches
        self.all_announced = asyncio.Event()
        """Set when the last webhook is delivered."""

    async def submit(self, prompt: str) -> str:
        """Send a task and return the provider's id."""
        fields = {"model": "sora-2", "prompt": prompt, "duration": 10, "size": "small"}
        answer = await self._ask(SUBMIT_PATH, fields | {"webHook": "-1", "shutProgress": False})
        remote_id: str = answer["data"]["id"]
        return remote_id

    async def poll(self, remote_id: str) -> Ended | None:
        """Ask for a result; None while the task runs."""
        data = (await self._ask(POLL_PATH, {"id": remote_id}))["data"]
        match data["status"]:
            case "succeeded":
                return Ended(succeeded=True, video_url=data["results"][0]["url"], error=None)
            case "failed":
                return Ended(succeeded=False, video_url=None, error=data["error"])
            case _:
                return None

    async def carry(self, task_id: int, prompt: str) -> int | None:
        """Take a task from its start to its end; return what `finish` returns."""
        remote_id = await self.submit(prompt)
        await self._execute(statement("submitted"), [task_id, remote_id])
        while (ended := await self.poll(remote_id)) is None:
            await self._execute(statement("polled"), [task_id])
        return await self.finish(task_id, remote_id, ended)

    async def finish(self, task_id: int, remote_id: str, ended: Ended) -> int | None:
        """Record a result and settle its batch after the last one; return the batch then, which is to be announced."""
        row = await self._execute(
            statement("finish"), [task_id, remote_id, ended.succeeded, ended.video_url, ended.error]
        )
        if row is None or row[1]:
            return None
        batch_id: int = row[0]
        settled = await self._execute(statement("settle"), [batch_id])
        return None if settled is None else batch_id

    async def announce(self, batch_id: int) -> None:
        """Tell the customer how a batch ended, signed, and note that it was told."""
        row = await self._execute(statement("find_event"), [batch_id])
        event = dict(zip(("batch_id", "status", "success_count", "failed_count", "credits_spent"), row, strict=True))
        body = json.dumps({"type": f"batch.{event['status']}", **event}).encode()
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        await self._post(HOOK_PATH, body, {"content-type": "application/json", "x-webhook-signature": signature})
        await self._execute(statement("announced"), [batch_id])
        self._left -= 1
        if self._left == 0:
            self.all_announced.set()

    async def _ask(self, path: str, fields: Mapping[str, object]) -> Any:
        return json.loads(await self._post(path, json.dumps(fields).encode(), HEADERS))
