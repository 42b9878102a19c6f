"""The limit of synchronous httpx: the same requests in threads, each with a client of its own, with no database."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from bench.clients import HEADERS, TIMEOUT_S
from bench.contestants.bare import prompts
from bench.contestants.steps import HOOK_PATH, POLL_PATH, SUBMIT_PATH
from bench.stage import Stage
from bench.work import Assignment

httpx: Any = import_module("httpx")


def perform(assignment: Assignment, stage: Stage) -> None:
    """Make the requests in so many threads as there are places, then one webhook a batch."""
    work = assignment.work
    waiting: SimpleQueue[str] = SimpleQueue()
    for prompt in prompts(work):
        waiting.put(prompt)

    def carry(client: Any) -> None:
        while (prompt := _next(waiting)) is not None:
            fields = {"model": "sora-2", "prompt": prompt, "duration": 10, "size": "small", "webHook": "-1"}
            remote_id = _ask(client, SUBMIT_PATH, fields)["id"]
            while _ask(client, POLL_PATH, {"id": remote_id})["status"] == "running":
                pass

    tls = httpx.create_ssl_context()  # Shared, because making one takes longer than all of a client's requests.
    clients = [
        httpx.Client(base_url=assignment.provider_url, timeout=TIMEOUT_S, trust_env=False, verify=tls)
        for _ in range(work.places)
    ]
    with ThreadPoolExecutor(work.places) as threads:
        stage.ready()
        for carried in [threads.submit(carry, client) for client in clients]:
            carried.result()
        for batch_id in range(work.batches):
            clients[0].post(HOOK_PATH, json={"batch_id": batch_id}).raise_for_status()
        stage.done()


def _next(waiting: "SimpleQueue[str]") -> str | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None


def _ask(client: Any, path: str, fields: Mapping[str, object]) -> Any:
    response = client.post(path, content=json.dumps(fields).encode(), headers=HEADERS)
    return json.loads(response.raise_for_status().content)["data"]
