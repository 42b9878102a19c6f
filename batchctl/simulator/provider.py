"""The simulated provider: the three endpoints of contract §4, each task treated as its `Script` says."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from ssl import SSLContext
from typing import Any, Self, cast
from uuid import uuid4

from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import Fault, apply_fault, arrives, http_status, refusal
from batchctl.simulator.journal import Polled, ProviderJournal, Submitted
from batchctl.simulator.script import Script, ScriptFor, script_from_prompt
from batchctl.simulator.server import HttpServer, Request
from batchctl.simulator.task import Task, acceptance, within

_SORA = "/v1/video/sora-video"
_VEO = "/v1/video/veo"
_RESULT = "/v1/draw/result"
_NO_SUCH_TASK = refusal(-22, "task does not exist")
_BAD_KEY = Answer(status=HTTPStatus.UNAUTHORIZED, body=b'{"code":-1,"data":null,"msg":"invalid api key"}')


class SimulatedProvider:
    """The provider as a context manager; the three switches may be turned at any time."""

    down: bool
    """While true, connections are reset before any request is read; after a `stop()` they are refused instead."""
    status: Fault | None
    """What every request gets instead of its answer, for example `http_status(503, retry_after="5")`."""
    account: str | None
    """While set, submissions are refused with code -1 and this msg ("insufficient credits"); results still come."""

    def __init__(
        self,
        *,
        script_for: ScriptFor = script_from_prompt,
        api_key: str | None = None,
        journal: Path | None = None,
        on_request: Callable[[Request], None] | None = None,
        port: int = 0,
        tls: SSLContext | None = None,
    ) -> None:
        """Prepare a provider on 127.0.0.1; without an `api_key` any token is good. `journal` is appended to.

        `on_request` is called in the server's thread for each request that was read, before anything is done about it:
        the place to look at the database, or to kill the worker. With `tls`, a server's context, it speaks HTTPS.
        """
        self.down = False
        self.status = None
        self.account = None
        self.journal = ProviderJournal(journal)
        self._script_for = script_for
        self._on_request = on_request
        self._authorization = None if api_key is None else f"Bearer {api_key}"
        self._lock = threading.Lock()
        self._submissions: Counter[str] = Counter()
        self._tasks: dict[str, Task] = {}
        self._server = HttpServer(self._answer, port=port, unread=lambda: self.down, tls=tls)

    @property
    def base_url(self) -> str:
        """What GRSAI_HOST has to be set to."""
        return self._server.base_url

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.connections

    def start(self) -> None:
        """Begin to answer; after a `stop` at the same port, with all tasks as they were."""
        self._server.start()

    def stop(self) -> None:
        """Stop answering: connections are refused from now on. Tasks and journal are kept."""
        self._server.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and close the journal's file."""
        self.stop()
        self.journal.close()

    def _answer(self, request: Request) -> Answer:
        if self._on_request is not None:
            self._on_request(request)
        if request.method != "POST" or request.path not in {_SORA, _VEO, _RESULT}:
            return http_status(HTTPStatus.NOT_FOUND)
        body = _json_object(request.body)
        if body is None:
            return http_status(HTTPStatus.BAD_REQUEST, body=b'{"msg":"not a JSON object"}')
        authorized = self._authorization in {None, request.headers.get("authorization")}
        refused = self.status if authorized else _BAD_KEY
        if request.path == _RESULT:
            return self._result(request, str(body.get("id")), refused)
        if refused is None and self.account is not None:
            refused = refusal(-1, self.account)
        return self._submit(request, body, refused)

    def _submit(self, request: Request, body: dict[str, Any], refused: Fault | None) -> Answer:
        """Accept the task or not, and say so; `refused` is what the whole provider answers at the moment."""
        prompt, model = str(body.get("prompt", "")), str(body.get("model", ""))
        script = Script() if refused is not None else self._script_for(prompt, model)
        remote_id = str(uuid4()) if script.remote_id is None else script.remote_id
        with self._lock:
            fault = refused
            if fault is None:
                self._submissions[prompt] += 1
                fault = within(script.submit_fault, self._submissions[prompt], script.submit_times)
            accepted = arrives(fault) or script.accepts
            if accepted:
                self._tasks[remote_id] = Task(remote_id=remote_id, script=script, is_veo=request.path == _VEO)
            answer = apply_fault(fault, Answer(body=_json(acceptance(remote_id, script.id_at))))
            self.journal.add(
                Submitted(
                    at_s=request.at_s,
                    in_flight=request.in_flight,
                    prompt=prompt,
                    model=model,
                    body=body,
                    headers={name: text for name, text in request.headers.items() if name != "authorization"},
                    remote_id=remote_id if accepted else None,
                    answer=str(answer),
                )
            )
        return _after(answer, script.submit_latency_s)

    def _result(self, request: Request, remote_id: str, refused: Fault | None) -> Answer:
        """Tell how far the task is; `refused` is what the whole provider answers at the moment."""
        with self._lock:
            task = self._tasks.get(remote_id)
            if task is None:
                answer, ended, video_url = apply_fault(refused, _NO_SUCH_TASK), False, None
            else:
                fault = task.meet() if refused is None else refused
                data = task.report()
                answer = apply_fault(fault, Answer(body=_json({"code": 0, "msg": "success", "data": data})))
                ended, video_url = task.tell(data) if arrives(fault) else (False, None)
            self.journal.add(
                Polled(
                    at_s=request.at_s,
                    in_flight=request.in_flight,
                    remote_id=remote_id,
                    answer=str(answer),
                    ended=ended,
                    video_url=video_url,
                )
            )
        return _after(answer, task.script.poll_latency_s if task and refused is None else 0.0)


def _after(answer: Answer, latency_s: float) -> Answer:
    """Return the answer delayed by the script's latency, on top of its own."""
    return replace(answer, latency_s=answer.latency_s + latency_s) if latency_s > 0 else answer


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value: object = json.loads(body)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
