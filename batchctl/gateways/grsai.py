"""GRSAI: tasks into requests, outcomes into answers (contract §4)."""

import json
import re
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from batchctl.domain.clock import Clock
from batchctl.domain.failure import FailureType, classify
from batchctl.domain.provider import (
    Accepted,
    AccountRefused,
    Deferred,
    Failed,
    NoSuchTask,
    OutcomeUnknown,
    PollAnswer,
    Refused,
    Running,
    Submission,
    SubmitAnswer,
    Succeeded,
    Transient,
)
from batchctl.domain.wire import Lost, LostKind, NotSent, Outcome, Reply, Request
from batchctl.gateways.grsai_answer import Answer, Data, id_text, parse
from batchctl.gateways.retry_after import retry_after_s

MAX_ANSWER_BYTES = 1024 * 1024
MAX_TEXT_CHARS = 500
MAX_REFERENCES = 3
DURATIONS_S = (10, 15)
"""The two lengths of a Sora clip; anything else counts as the first."""
_MIN_KEY_CHARS = 8

_BALANCE = re.compile(r"insufficient (credits|balance|quota)|余额不足|积分不足")
_RATE = re.compile(r"too many requests|rate limit|频繁")
_KEY = re.compile(r"\bapi[ _-]?key\b|unauthori[sz]ed|密钥")

_SUCCESS = range(200, 300)
_REFUSAL = range(400, 500)
_ACCOUNT_STATUSES = frozenset({401, 402, 403})
_LATER_STATUSES = frozenset({408, 425, 429})
_COUNTED_STATUSES = frozenset({500, 502, 503})
_NO_SUCH_TASK = -22
_REASON_TYPES = {"input_moderation": FailureType.PARAM_ERROR, "output_moderation": FailureType.MODEL_ERROR}


class Grsai:
    """Implements `domain.provider.Provider` for GRSAI; knows the key and shows it only to the provider."""

    def __init__(
        self, *, host: str, api_key: str, timeout_ms: int, callback_base_url: str | None, clock: Clock
    ) -> None:
        """Talk to `host` for new tasks; without `callback_base_url` results are polled only.

        The clock is asked only to read a Retry-After that holds a date.
        """
        self._host = _base(host)
        self._api_key = api_key
        self._shown_key = _pattern_of(api_key)
        self._timeout_ms = timeout_ms
        self._callback_base_url = callback_base_url.rstrip("/") if callback_base_url else None
        self._clock = clock

    def __repr__(self) -> str:
        """Show the host and no key."""
        return f"Grsai(host={self._host!r})"

    @property
    def host(self) -> str:
        """The base URL for new tasks, without trailing slash and /v1."""
        return self._host

    @property
    def calls_back(self) -> bool:
        """Whether submissions carry a callback address."""
        return self._callback_base_url is not None

    def submission(self, key: int, task: Submission) -> Request:
        """Build the request that submits a task: Veo for models that contain "veo", Sora for all others."""
        model = (task.model or "").strip().lower()
        path, fields = ("/v1/video/veo", _veo(task, model)) if "veo" in model else ("/v1/video/sora-video", _sora(task))
        fields |= {"webHook": self._hook(task), "shutProgress": False}
        return self._post(key, self._host + path, fields, only_once=True)

    def read_submission(self, outcome: Outcome) -> SubmitAnswer:
        """Say what became of a submission."""
        match outcome:
            case NotSent(detail=detail):
                return Deferred(blocked_by=FailureType.NETWORK, error=detail, counted=False, connected=False)
            case Lost(kind=kind, detail=detail):
                failure_type = FailureType.TIMEOUT if kind is LostKind.TIMEOUT else FailureType.NETWORK
                return OutcomeUnknown(failure_type=failure_type, error=detail)
            case Reply():
                return self._read_reply(outcome)

    def question(self, key: int, host: str, remote_id: str) -> Request:
        """Build the request that asks for a task's result, at the host where it was submitted."""
        return self._post(key, f"{_base(host)}/v1/draw/result", {"id": remote_id})

    def read_result(self, remote_id: str, outcome: Outcome) -> PollAnswer:
        """Say what the provider answered about a task."""
        match outcome:
            case NotSent(detail=detail):
                return Transient(error=detail, connected=False)
            case Lost(detail=detail):
                return Transient(error=detail)
            case Reply():
                return self._result(remote_id, outcome)

    def _post(self, key: int, url: str, fields: dict[str, Any], *, only_once: bool = False) -> Request:
        return Request(
            key=key,
            url=url,
            headers={"content-type": "application/json", "authorization": f"Bearer {self._api_key}"},
            body=json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"),
            timeout_ms=self._timeout_ms,
            max_bytes=MAX_ANSWER_BYTES,
            only_once=only_once,
        )

    def _hook(self, task: Submission) -> str:
        if self._callback_base_url is None:
            return "-1"
        return f"{self._callback_base_url}/api/video/callback?{urlencode({'task_id': task.task_id})}"

    def _read_reply(self, reply: Reply) -> SubmitAnswer:
        """Accept what was accepted; else the words of the message speak before the status does.

        An id in hand is an acceptance whatever the message says: deferring it would buy the task a second time.
        """
        answer = None if reply.truncated else parse(reply.body)
        remote_id = answer.remote_id if answer else None
        if answer and reply.status in _SUCCESS and not answer.code and remote_id and not self._shows_key(remote_id):
            return Accepted(remote_id=remote_id)
        said = answer.said.lower() if answer else ""
        error, wait_s = self._error(reply, answer), retry_after_s(reply.headers, self._clock)
        balance, by_status = _BALANCE.search(said), reply.status in _ACCOUNT_STATUSES
        # The rate goes before the key: "rate limit of this API key exceeded" is no word against the key.
        if _RATE.search(said) and not balance:
            return Deferred(blocked_by=FailureType.NETWORK, error=error, counted=False, retry_after_s=wait_s)
        words = balance or _KEY.search(said)
        if by_status or words:
            told = f"HTTP {reply.status}: {words[0]}" if words else f"HTTP {reply.status}"
            return AccountRefused(error=error, by_status=by_status, retry_after_s=wait_s, told=told)
        if reply.status in _LATER_STATUSES:
            return Deferred(blocked_by=FailureType.NETWORK, error=error, counted=False, retry_after_s=wait_s)
        if reply.status in _COUNTED_STATUSES:
            return Deferred(blocked_by=FailureType.MODEL_ERROR, error=error, counted=True, retry_after_s=wait_s)
        return self._final(reply, answer)

    def _final(self, reply: Reply, answer: Answer | None) -> Refused | OutcomeUnknown:
        """Judge an answer after which the task is not sent again: refused for good, or nobody knows."""
        if reply.status in _SUCCESS:
            return self._by_content(answer)
        error = self._error(reply, answer)
        if reply.status in _REFUSAL:
            return Refused(failure_type=FailureType.PARAM_ERROR, error=error, reason=self._reason(answer))
        late = reply.status == HTTPStatus.GATEWAY_TIMEOUT
        return OutcomeUnknown(failure_type=FailureType.TIMEOUT if late else FailureType.NETWORK, error=error)

    def _by_content(self, answer: Answer | None) -> Refused | OutcomeUnknown:
        """Judge an answer with 2xx that holds no id."""
        if answer is None or answer.code is None:
            return OutcomeUnknown(failure_type=FailureType.NETWORK, error="the answer cannot be read")
        if answer.code == 0:
            return Refused(failure_type=FailureType.MODEL_ERROR, error="REMOTE_TASK_ID_MISSING")
        text = answer.complaint
        return Refused(
            failure_type=_failure_type(answer.reason, text),
            error=self._clean(text or f"code {answer.code}"),
            reason=self._reason(answer),
        )

    def _result(self, remote_id: str, reply: Reply) -> PollAnswer:
        answer = None if reply.truncated else parse(reply.body)
        if reply.status not in _SUCCESS:
            return Transient(error=self._error(reply, answer), account_refused=reply.status in _ACCOUNT_STATUSES)
        if answer is None or answer.code is None:
            return Transient(error="the answer cannot be read")
        if answer.code != 0:
            return self._refusal(answer, answer.code)
        if answer.data is None:
            return Transient(error="the answer holds no data")
        if answer.data.id not in (None, "") and id_text(answer.data.id) != remote_id:
            return Transient(error="the answer is about another task")
        return self._state(answer, answer.data)

    def _refusal(self, answer: Answer, code: int) -> PollAnswer:
        """Read a result whose code is not 0: the task failed, unless the code or the words speak of something else."""
        said = answer.said or answer.complaint
        error = self._clean(said or f"code {code}")
        if any(pattern.search(said.lower()) for pattern in (_BALANCE, _RATE, _KEY)):
            return Transient(error=error)
        if code == _NO_SUCH_TASK:
            return NoSuchTask(error=error)
        failure_type = _failure_type(answer.reason, answer.complaint)
        return Failed(failure_type=failure_type, error=error, reason=self._reason(answer))

    def _state(self, answer: Answer, data: Data) -> PollAnswer:
        match (data.status or "").strip().lower():
            case "succeeded" | "success":
                links = (url for url in data.video_urls if not self._shows_key(url))
                return Succeeded(video_url=next(links, None))
            case "failed" | "error" | "violation":
                text = answer.complaint
                return Failed(
                    failure_type=_failure_type(answer.reason, text),
                    error=self._clean(text or "REMOTE_TASK_FAILED"),
                    reason=self._reason(answer),
                )
            case _:
                return Running(progress=data.percent)

    def _error(self, reply: Reply, answer: Answer | None) -> str:
        """Name the status, and what the provider said with it."""
        said = answer.said if answer else ""
        return self._clean(f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}")

    def _reason(self, answer: Answer | None) -> str | None:
        return self._clean(answer.reason) if answer and answer.reason else None

    def _shows_key(self, text: str) -> bool:
        """Say whether an id or a link holds the key: then it can be neither stored nor shown, and counts as absent."""
        return bool(self._shown_key and self._shown_key.search(text))

    def _clean(self, text: str) -> str:
        """Make a provider's text fit to be stored and shown: no key, no control characters, 500 characters at most."""
        if self._shown_key:
            text = self._shown_key.sub("***", text)
        return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:MAX_TEXT_CHARS]


def _pattern_of(key: str) -> "re.Pattern[str] | None":
    """Return what finds a key in a text, in any case and percent-encoded too; None for one that is part of words."""
    if len(key) < _MIN_KEY_CHARS:
        return None
    return re.compile("".join(f"(?:{re.escape(char)}|%{ord(char):02x})" for char in key), re.IGNORECASE)


def _base(host: str) -> str:
    return host.strip().rstrip("/").removesuffix("/v1").rstrip("/")


def _failure_type(reason: str | None, text: str) -> FailureType:
    """Choose by the provider's reason where it is one that says something, else by the text."""
    return _REASON_TYPES.get((reason or "").strip().lower()) or classify(text)


def _sora(task: Submission) -> dict[str, Any]:
    reference = _reference(task.reference_url)
    return {
        "model": "sora-2",
        "prompt": task.prompt or "",
        **({"url": reference} if reference else {}),
        **_aspect_ratio(task),
        "duration": task.duration if task.duration in DURATIONS_S else DURATIONS_S[0],
        "size": "large" if task.size == "large" else "small",
    }


def _veo(task: Submission, model: str) -> dict[str, Any]:
    meta = task.meta if isinstance(task.meta, dict) else {}  # The column is jsonb and may hold anything.
    frames = {name: meta[name] for name in ("firstFrameUrl", "lastFrameUrl") if _is_text(meta.get(name))}
    listed = meta.get("urls")
    named = cast("list[object]", listed) if isinstance(listed, list) else []
    urls = [url for url in named if _is_text(url)] or ([task.reference_url] if task.reference_url else [])
    return {
        "model": "veo3.1-fast" if model == "veo-flash" else "veo3.1-pro",
        "prompt": task.prompt or "",
        **_aspect_ratio(task),
        **frames,
        **({"urls": urls[:MAX_REFERENCES]} if urls else {}),
    }


def _aspect_ratio(task: Submission) -> dict[str, str]:
    return {"aspectRatio": task.aspect_ratio} if task.aspect_ratio in ("9:16", "16:9") else {}


def _reference(reference_url: str | None) -> str | None:
    """Return the image that a reference address names in its `url` parameter, else the address itself."""
    if not reference_url:
        return None
    try:
        named = parse_qs(urlsplit(reference_url).query).get("url", [])
    except ValueError:
        named = []
    return named[0] if named else reference_url


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
