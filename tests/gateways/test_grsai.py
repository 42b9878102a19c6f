"""GRSAI: every request field, every row of the outcome tables, and answers made to break a parser (contract §4)."""

import json
import tracemalloc
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from urllib.parse import unquote

import pytest

from batchctl.domain.failure import FailureType
from batchctl.domain.provider import (
    Accepted,
    AccountRefused,
    Deferred,
    Failed,
    NoSuchTask,
    OutcomeUnknown,
    PollAnswer,
    Provider,
    Refused,
    Running,
    Submission,
    SubmitAnswer,
    Succeeded,
    Transient,
)
from batchctl.domain.wire import Lost, LostKind, NotSent, NotSentKind, Outcome, Reply
from batchctl.gateways import PROVIDERS
from batchctl.gateways.grsai import Grsai

KEY = "sk-0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOST = "https://api.example.test"


def make(*, callback_base_url: str | None = None, host: str = HOST) -> Grsai:
    """Build the provider under test."""
    return Grsai(host=host, api_key=KEY, timeout_ms=60_000, callback_base_url=callback_base_url, clock=lambda: NOW)


def task(**changes: Any) -> Submission:
    """Build a task of which only the named fields matter."""
    fields: dict[str, Any] = {
        "task_id": "task-1",
        "model": "sora-2",
        "prompt": "ein Hund, 一只狗",
        "reference_url": None,
        "aspect_ratio": None,
        "duration": None,
        "size": None,
        "meta": None,
    }
    return Submission(**(fields | changes))


def reply(document: object = None, *, status: int = 200, raw: bytes | None = None, **headers: str) -> Reply:
    """Build an answer out of a JSON document or raw bytes; header names are written with underscores."""
    body = raw if raw is not None else json.dumps(document).encode()
    return Reply(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body)


def sent(**changes: Any) -> tuple[str, dict[str, Any]]:
    """Return the address and the fields of a submission."""
    request = make().submission(1, task(**changes))
    return request.url, json.loads(request.body)


SORA = {"model": "sora-2", "prompt": "ein Hund, 一只狗", "duration": 10, "size": "small"}
VEO = {"model": "veo3.1-pro", "prompt": "ein Hund, 一只狗"}
TAIL = {"webHook": "-1", "shutProgress": False}
IMAGE = "https://img.example.test/a.png"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, SORA),
        ({"model": None}, SORA),
        ({"model": "anything-else"}, SORA),
        ({"prompt": None}, SORA | {"prompt": ""}),
        ({"aspect_ratio": "9:16"}, SORA | {"aspectRatio": "9:16"}),
        ({"aspect_ratio": "16:9"}, SORA | {"aspectRatio": "16:9"}),
        ({"aspect_ratio": "1:1"}, SORA),
        ({"duration": 15}, SORA | {"duration": 15}),
        ({"duration": 10}, SORA),
        ({"duration": 5}, SORA),
        ({"size": "large"}, SORA | {"size": "large"}),
        ({"size": "huge"}, SORA),
        ({"reference_url": IMAGE}, SORA | {"url": IMAGE}),
        ({"reference_url": ""}, SORA),
        ({"reference_url": f"https://p.example.test/proxy?w=9&url={IMAGE}"}, SORA | {"url": IMAGE}),
        ({"reference_url": "/proxy?url=https%3A%2F%2Fx.test%2Fa%20b"}, SORA | {"url": "https://x.test/a b"}),
        ({"reference_url": "https://p.example.test/?url="}, SORA | {"url": "https://p.example.test/?url="}),
        ({"reference_url": "https://[broken/?url=x"}, SORA | {"url": "https://[broken/?url=x"}),
        ({"meta": {"urls": [IMAGE], "firstFrameUrl": IMAGE}}, SORA),
    ],
)
def test_sora_request(changes: dict[str, Any], fields: dict[str, Any]) -> None:
    """A Sora task becomes exactly these fields, and no others."""
    assert sent(**changes) == (f"{HOST}/v1/video/sora-video", fields | TAIL)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"model": "veo-flash"}, VEO | {"model": "veo3.1-fast"}),
        ({"model": "Veo-Flash"}, VEO | {"model": "veo3.1-fast"}),
        ({"model": "veo-pro"}, VEO),
        ({"model": "google/VEO"}, VEO),
        ({"aspect_ratio": "16:9", "duration": 15, "size": "large"}, VEO | {"aspectRatio": "16:9"}),
        ({"aspect_ratio": "4:3"}, VEO),
        ({"reference_url": IMAGE}, VEO | {"urls": [IMAGE]}),
        ({"meta": {"firstFrameUrl": "f", "lastFrameUrl": "l"}}, VEO | {"firstFrameUrl": "f", "lastFrameUrl": "l"}),
        ({"meta": {"urls": ["1", "2", "3", "4"]}, "reference_url": IMAGE}, VEO | {"urls": ["1", "2", "3"]}),
        ({"meta": {"urls": []}, "reference_url": IMAGE}, VEO | {"urls": [IMAGE]}),
        ({"meta": {"urls": [None, "", 7, "1"], "firstFrameUrl": 7, "lastFrameUrl": ""}}, VEO | {"urls": ["1"]}),
        ({"meta": {"urls": "not a list"}}, VEO),
        ({"meta": ["not", "an", "object"]}, VEO),
    ],
)
def test_veo_request(changes: dict[str, Any], fields: dict[str, Any]) -> None:
    """A Veo task becomes exactly these fields, and no others."""
    assert sent(**({"model": "veo-pro"} | changes)) == (f"{HOST}/v1/video/veo", fields | TAIL)


def test_request_carries_key_deadline_and_cap() -> None:
    """Every request is JSON in UTF-8 with the bearer token, the deadline of the settings and a cap of 1 MiB."""
    request = make().submission(7, task())
    assert request.headers == {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    assert (request.key, request.timeout_ms, request.max_bytes) == (7, 60_000, 1_048_576)
    assert not request.public_only
    assert "一只狗".encode() in request.body


def test_only_submissions_cannot_be_repeated() -> None:
    """A submission says that it must not meet a connection that may be closing; a question need not care."""
    provider = make()
    assert provider.submission(1, task()).only_once
    assert not provider.question(1, HOST, "r-1").only_once


def test_callback_address_names_the_task() -> None:
    """With a base address the provider is told where to report; without one it gets "-1"."""
    provider = make(callback_base_url="https://app.example.test/")
    document = json.loads(provider.submission(1, task(task_id="a b&c")).body)
    assert document["webHook"] == "https://app.example.test/api/video/callback?task_id=a+b%26c"
    assert provider.calls_back
    assert not make().calls_back


@pytest.mark.parametrize("host", [HOST, f"{HOST}/", f"{HOST}/v1", f"{HOST}/v1//", f" {HOST}//"])
def test_host_is_cut_to_its_base(host: str) -> None:
    """Trailing slashes and /v1 are cut, for submissions and for results of tasks that were sent elsewhere."""
    provider = make(host=host)
    assert provider.host == HOST
    assert provider.submission(1, task()).url == f"{HOST}/v1/video/sora-video"
    assert make(host="https://other.example.test").question(1, host, "r-1").url == f"{HOST}/v1/draw/result"


def test_question_asks_for_one_id() -> None:
    """The result request holds the provider's id and nothing else."""
    request = make().question(3, HOST, "14-ab")
    assert json.loads(request.body) == {"id": "14-ab"}
    assert (request.key, request.headers["authorization"]) == (3, f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("document", "remote_id"),
    [
        ({"code": 0, "msg": "success", "data": {"id": "14-ab"}}, "14-ab"),
        ({"code": 0, "id": "top"}, "top"),
        ({"code": 0, "task_id": "task"}, "task"),
        ({"code": 0, "data": {"task_id": "inner"}}, "inner"),
        ({"code": 0, "data": {"id": "1", "task_id": "4"}, "id": "2", "task_id": "3"}, "1"),
        ({"code": 0, "data": {"task_id": "4"}, "id": "2", "task_id": "3"}, "2"),
        ({"code": 0, "data": {"task_id": "4"}, "task_id": "3"}, "3"),
        ({"code": 0, "data": {"id": None}, "id": "2"}, "2"),
        ({"code": 0, "data": "odd", "id": "2"}, "2"),
        ({"code": 0, "data": {"id": 12345678901234567890}}, "12345678901234567890"),
        ({"code": 0, "data": {"id": "x" * 256}}, "x" * 256),
        ({"code": 0, "data": {"id": "1"}, "extra": [7]}, "1"),
        ({"data": {"id": "no code"}}, "no code"),
        ({"code": 0, "msg": "your api key expires soon", "data": {"id": "bought"}}, "bought"),
    ],
)
def test_submission_is_accepted(document: object, remote_id: str) -> None:
    """An id in an answer without an error is an acceptance, wherever the deployment puts it."""
    assert make().read_submission(reply(document)) == Accepted(remote_id=remote_id)
    assert make().read_submission(reply(document, status=201)) == Accepted(remote_id=remote_id)


@pytest.mark.parametrize("bad", [None, "", "  ", 1.5, True, [], {}, "x" * 257, "a\x00b", "a\nb", "\ud800", 10**300])
def test_submission_without_usable_id_has_failed(bad: object) -> None:
    """Code 0 without an id that can be stored and asked for is a model error (contract §4)."""
    for document in ({"code": 0, "data": {"id": bad}}, {"code": 0, "id": bad}, {"code": 0, "data": bad}, {"code": 0}):
        assert make().read_submission(reply(document)) == Refused(
            failure_type=FailureType.MODEL_ERROR, error="REMOTE_TASK_ID_MISSING"
        )


MODEL, PARAM, NETWORK = FailureType.MODEL_ERROR, FailureType.PARAM_ERROR, FailureType.NETWORK
TIMEOUT, UNKNOWN = FailureType.TIMEOUT, FailureType.UNKNOWN


def later(error: str, *, counted: bool = False) -> Deferred:
    """Expect: not accepted, try later."""
    return Deferred(blocked_by=MODEL if counted else NETWORK, error=error, counted=counted)


def account(error: str, *, by_status: bool = False) -> AccountRefused:
    """Expect: we are refused, not the task."""
    return AccountRefused(error=error, by_status=by_status)


def unclear(error: str, failure_type: FailureType = NETWORK) -> OutcomeUnknown:
    """Expect: nobody knows."""
    return OutcomeUnknown(failure_type=failure_type, error=error)


def refused(failure_type: FailureType, error: str, reason: str | None = None) -> Refused:
    """Expect: this task is refused."""
    return Refused(failure_type=failure_type, error=error, reason=reason)


BY_STATUS: list[tuple[int, SubmitAnswer]] = [
    (101, unclear("HTTP 101: no")),
    (301, unclear("HTTP 301: no")),
    (307, unclear("HTTP 307: no")),
    (400, refused(PARAM, "HTTP 400: no")),
    (401, account("HTTP 401: no", by_status=True)),
    (402, account("HTTP 402: no", by_status=True)),
    (403, account("HTTP 403: no", by_status=True)),
    (404, refused(PARAM, "HTTP 404: no")),
    (408, later("HTTP 408: no")),
    (409, refused(PARAM, "HTTP 409: no")),
    (413, refused(PARAM, "HTTP 413: no")),
    (422, refused(PARAM, "HTTP 422: no")),
    (425, later("HTTP 425: no")),
    (429, later("HTTP 429: no")),
    (500, later("HTTP 500: no", counted=True)),
    (501, unclear("HTTP 501: no")),
    (502, later("HTTP 502: no", counted=True)),
    (503, later("HTTP 503: no", counted=True)),
    (504, unclear("HTTP 504: no", TIMEOUT)),
    (505, unclear("HTTP 505: no")),
    (520, unclear("HTTP 520: no")),
    (599, unclear("HTTP 599: no")),
    (999, unclear("HTTP 999: no")),
]


@pytest.mark.parametrize(("status", "expected"), BY_STATUS)
def test_submission_judged_by_status(status: int, expected: SubmitAnswer) -> None:
    """Outside 2xx the status decides, with a JSON answer, with HTML, cut short, and even with an id in it."""
    provider = make()
    assert provider.read_submission(reply({"code": -1, "msg": "no"}, status=status)) == expected
    assert provider.read_submission(reply({"code": 0, "msg": "no", "data": {"id": "1"}}, status=status)) == expected
    page = reply(raw=b"<html>rate limit</html>", status=status)
    bare = provider.read_submission(page)
    assert type(bare) is type(expected)
    assert not isinstance(bare, Accepted)
    assert bare.error == f"HTTP {status}"


WORDS: list[tuple[str, SubmitAnswer]] = [
    ("Insufficient Credits", account("HTTP 200: Insufficient Credits")),
    ("insufficient balance!", account("HTTP 200: insufficient balance!")),
    ("insufficient quota", account("HTTP 200: insufficient quota")),
    ("余额不足", account("HTTP 200: 余额不足")),
    ("您的积分不足", account("HTTP 200: 您的积分不足")),
    ("Invalid API key", account("HTTP 200: Invalid API key")),
    ("invalid apikey", account("HTTP 200: invalid apikey")),
    ("bad api_key", account("HTTP 200: bad api_key")),
    ("bad api-key", account("HTTP 200: bad api-key")),
    ("Unauthorized", account("HTTP 200: Unauthorized")),
    ("unauthorised", account("HTTP 200: unauthorised")),
    ("密钥错误", account("HTTP 200: 密钥错误")),
    ("Too Many Requests", later("HTTP 200: Too Many Requests")),
    ("rate limit exceeded for this api key", later("HTTP 200: rate limit exceeded for this api key")),
    ("请求过于频繁", later("HTTP 200: 请求过于频繁")),
    ("too many requests: insufficient quota", account("HTTP 200: too many requests: insufficient quota")),
    ("therapi keyboard", refused(MODEL, "therapi keyboard")),
    ("insufficient detail in prompt", refused(UNKNOWN, "insufficient detail in prompt")),
]


@pytest.mark.parametrize(("msg", "expected"), WORDS)
@pytest.mark.parametrize("code", [0, -1, 500])
def test_submission_judged_by_words(msg: str, code: int, expected: SubmitAnswer) -> None:
    """Balance, key and rate are heard in any parsed answer, with code 0 as well when no id came with it."""
    answered = make().read_submission(reply({"code": code, "msg": msg, "data": None}))
    if code == 0 and isinstance(expected, Refused):
        expected = refused(MODEL, "REMOTE_TASK_ID_MISSING")
    assert answered == expected


@pytest.mark.parametrize(
    ("status", "msg", "expected"),
    [
        (400, "insufficient credits", account("HTTP 400: insufficient credits")),
        (402, "insufficient credits", account("HTTP 402: insufficient credits", by_status=True)),
        (403, "rate limit", later("HTTP 403: rate limit")),
        (500, "too many requests", later("HTTP 500: too many requests")),
        (504, "rate limit", later("HTTP 504: rate limit")),
        (302, "unauthorized", account("HTTP 302: unauthorized")),
    ],
)
def test_words_go_before_the_status(status: int, msg: str, expected: SubmitAnswer) -> None:
    """The patterns are tried first whatever the status; the status still says whether to stop at once."""
    for name in ("msg", "error", "message"):
        assert make().read_submission(reply({"code": -1, name: msg}, status=status)) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"code": -1, "msg": "prompt is invalid"}, refused(PARAM, "prompt is invalid")),
        ({"code": -1, "msg": "model offline"}, refused(MODEL, "model offline")),
        ({"code": -1, "msg": "生成超时"}, refused(TIMEOUT, "生成超时")),
        ({"code": 7}, refused(UNKNOWN, "code 7")),
        ({"code": -22, "msg": "task not found"}, refused(UNKNOWN, "task not found")),
        ({"code": -1, "data": {"id": "1"}, "msg": "busy"}, refused(UNKNOWN, "busy")),
        ({"code": -1, "error": "invalid size", "msg": "model"}, refused(PARAM, "invalid size")),
        (
            {"code": -1, "msg": "no", "data": {"failure_reason": "input_moderation", "error": "model says no"}},
            refused(PARAM, "model says no", "input_moderation"),
        ),
        (
            {"code": -1, "msg": "no", "data": {"failure_reason": "output_moderation"}},
            refused(MODEL, "output_moderation", "output_moderation"),
        ),
    ],
)
def test_submission_refused_by_code(document: object, expected: Refused) -> None:
    """A code that is not 0 refuses the task, of the type that reason or text tell."""
    assert make().read_submission(reply(document)) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Lost(kind=LostKind.TIMEOUT, detail="late"), unclear("late", TIMEOUT)),
        (Lost(kind=LostKind.RESET, detail="reset"), unclear("reset")),
        *(
            (
                NotSent(kind=kind, detail="down"),
                Deferred(blocked_by=NETWORK, error="down", counted=False, connected=False),
            )
            for kind in NotSentKind
        ),
    ],
)
def test_submission_without_answer(outcome: Outcome, expected: SubmitAnswer) -> None:
    """What was surely not sent is tried again; what may have been sent is unknown."""
    assert make().read_submission(outcome) == expected


UNREADABLE = {
    "empty": b"",
    "white": b"  \n",
    "HTML": b"<html><body>rate limit, api key, 0</body></html>",
    "cut": b'{"code":0,"data":{"id":"1"',
    "trailing": b'{"code":0,"data":{"id":"1"}} x',
    "two": b'{"code":0,"id":"1"}{"code":0,"id":"1"}',
    "stream": b'data: {"code":0,"data":{"id":"1"}}\n\n',
    "UTF-16": '{"code":0,"id":"1"}'.encode("utf-16"),
    "UTF-16-LE": '{"code":0,"id":"1"}'.encode("utf-16-le"),
    "BOM": b'\xef\xbb\xbf{"code":0,"id":"1"}',
    "Latin-1": '{"code":0,"msg":"ü"}'.encode("latin-1"),
    "NaN": b'{"code":0,"data":{"id":"1","progress":NaN}}',
    "Infinity": b'{"code":0,"data":{"id":"1","progress":-Infinity}}',
    "repeated": b'{"code":0,"data":{"id":"1"},"data":{"id":"2"}}',
    "repeated within": b'{"code":0,"data":{"id":"1","id":"2"}}',
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "deep field": b'{"code":0,"id":"1","x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
    "huge number": b'{"code":' + b"9" * 100_000 + b"}",
    "array": b'[{"code":0,"data":{"id":"1"}}]',
    "text": b'"code"',
    "number": b"0",
    "null": b"null",
    "no code": b'{"msg":"success","data":{}}',
    "code as text": b'{"code":"0","data":{"status":"succeeded"}}',
    "code as truth": b'{"code":false,"data":{"status":"succeeded"}}',
    "code as fraction": b'{"code":0.5,"data":{"status":"succeeded"}}',
    "code as object": b'{"code":{},"data":{"status":"succeeded"}}',
    "zeros": b"\x00" * 1000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_answer(body: bytes) -> None:
    """A 200 that cannot be read leaves a submission unknown and a poll without an answer, and raises nothing."""
    assert make().read_submission(reply(raw=body)) == unclear("the answer cannot be read")
    assert make().read_result("1", reply(raw=body)) == Transient(error="the answer cannot be read")


def test_cut_answer_is_unreadable_even_if_it_parses() -> None:
    """What was cut at the cap may have gone on to say something else."""
    cut = Reply(status=200, headers={}, body=b'{"code":0,"data":{"id":"1"}}', truncated=True)
    assert make().read_submission(cut) == unclear("the answer cannot be read")
    assert make().read_result("1", cut) == Transient(error="the answer cannot be read")


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"[]," * 4, b'"' + b"x" * 50 + b'",', b"{},", b"9", b'{"":{}},'])
def test_hostile_mebibyte_is_cheap(piece: bytes) -> None:
    """A full answer made to be expensive takes neither 50 MB nor seconds."""
    hostile = reply(raw=b'{"code":0,"x":[' + piece * (1_048_000 // len(piece)) + b"0]}")
    tracemalloc.start()
    began = monotonic()
    make().read_submission(hostile)
    elapsed_s, (_, peak) = monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert elapsed_s < 5


WRONG: list[Any] = [None, True, 7, -1.5, "text", [], {}, [[]], [None], [{}], {"a": 1}, 10**400, "\ud800", "\x00"]
FIELDS = ["id", "task_id", "status", "progress", "results", "url", "failure_reason", "error"]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_wrong_type_breaks_no_field_but_its_own(wrong: object) -> None:
    """Whatever stands in a field, reading neither raises nor loses the other fields."""
    provider = make()
    for name in FIELDS:
        data = {"id": "1", "status": "running", "progress": 40} | {name: wrong}
        answered = provider.read_result("1", reply({"code": 0, "data": data}))
        if name not in ("id", "status", "progress"):
            assert answered == Running(progress=40)
        provider.read_submission(reply({"code": 0, "data": data}))
    for name in ("code", "msg", "error", "message", "data", "id", "task_id"):
        provider.read_submission(reply({"code": 0, "data": {"id": "1"}} | {name: wrong}))
        provider.read_result("1", reply({"code": 0, "data": {"id": "1"}} | {name: wrong}))


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 11:59:00 GMT", None),
        ("-5", None),
        ("soon", None),
    ],
)
@pytest.mark.parametrize("status", [401, 429, 503])
def test_retry_after_is_passed_on(status: int, text: str, wait_s: float | None) -> None:
    """The provider's wish to be left alone reaches whoever decides about the wait."""
    answered = make().read_submission(reply({"msg": "no"}, status=status, retry_after=text))
    assert isinstance(answered, Deferred | AccountRefused)
    assert answered.retry_after_s == wait_s


def result(**data: object) -> Reply:
    """Build a result with code 0."""
    return reply({"code": 0, "msg": "success", "data": {"id": "1"} | data})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (result(status="running", progress=40), Running(progress=40)),
        (result(status="running"), Running(progress=None)),
        (result(status="RUNNING", progress=0), Running(progress=0)),
        (result(status="queued", progress=1), Running(progress=1)),
        (result(status="violet", progress=1), Running(progress=1)),
        (result(status="", progress=1), Running(progress=1)),
        (result(status=None, progress=1), Running(progress=1)),
        (result(status=["failed"], progress=1), Running(progress=1)),
        (result(progress=1), Running(progress=1)),
        (result(status="running", progress=-5), Running(progress=0)),
        (result(status="running", progress=101), Running(progress=100)),
        (result(status="running", progress=99.9), Running(progress=99)),
        (result(status="running", progress=1e300), Running(progress=100)),
        (reply(raw=b'{"code":0,"data":{"progress":1e999}}'), Running(progress=None)),
        (result(status="running", progress="50%"), Running(progress=None)),
        (result(status="running", progress="50"), Running(progress=None)),
        (result(status="running", progress=True), Running(progress=None)),
        (result(status="running", url="https://x.test/v.mp4"), Running(progress=None)),
        (result(id=None, status="running"), Running(progress=None)),
        (result(id="", status="running"), Running(progress=None)),
        (result(id=1, status="running"), Running(progress=None)),
        (result(id="2", status="succeeded"), Transient(error="the answer is about another task")),
        (result(id=2, status="failed"), Transient(error="the answer is about another task")),
        (result(id=["1"], status="failed"), Transient(error="the answer is about another task")),
        (reply({"code": 0, "data": None}), Transient(error="the answer holds no data")),
        (reply({"code": 0}), Transient(error="the answer holds no data")),
        (reply({"code": 0, "data": []}), Transient(error="the answer holds no data")),
        (reply({"code": -22, "msg": "task not found"}), NoSuchTask(error="task not found")),
        (reply({"code": -22}), NoSuchTask(error="code -22")),
        (reply({"code": -22, "msg": "rate limit"}), Transient(error="rate limit")),
        (reply({"code": -1, "msg": "too many requests"}), Transient(error="too many requests")),
        (reply({"code": -1, "msg": "余额不足"}), Transient(error="余额不足")),
        (reply({"code": -1, "msg": "invalid API key"}), Transient(error="invalid API key")),
        (reply({"code": 5, "msg": "invalid id"}), Failed(failure_type=PARAM, error="invalid id")),
        (reply({"code": 5}), Failed(failure_type=UNKNOWN, error="code 5")),
        (
            reply({"code": 5, "msg": "no", "data": {"failure_reason": "input_moderation"}}),
            Failed(failure_type=PARAM, error="no", reason="input_moderation"),
        ),
        (reply({"code": 0, "data": {"status": "failed"}}, status=500), Transient(error="HTTP 500")),
        (reply({"code": -22, "msg": "gone"}, status=404), Transient(error="HTTP 404: gone")),
        (reply({"code": 0, "data": {"status": "succeeded"}}, status=302), Transient(error="HTTP 302")),
        (reply(raw=b"<html>", status=503), Transient(error="HTTP 503")),
        (Lost(kind=LostKind.TIMEOUT, detail="late"), Transient(error="late")),
        (Lost(kind=LostKind.RESET, detail="reset"), Transient(error="reset")),
        (NotSent(kind=NotSentKind.DNS, detail="dns"), Transient(error="dns", connected=False)),
    ],
)
def test_result(answer: Outcome, expected: PollAnswer) -> None:
    """Each answer about a task means exactly this."""
    assert make().read_result("1", answer) == expected


GOOD = "https://x.test/v.mp4"


@pytest.mark.parametrize(
    ("data", "url"),
    [
        ({"results": [{"url": GOOD, "removeWatermark": True, "pid": "s_1"}]}, GOOD),
        ({"url": GOOD}, GOOD),
        ({"results": [{"url": GOOD}], "url": "https://x.test/other.mp4"}, GOOD),
        ({"results": [], "url": GOOD}, GOOD),
        ({"results": [{"url": ""}], "url": GOOD}, GOOD),
        ({"results": [None], "url": GOOD}, GOOD),
        ({"results": ["odd", 7], "url": GOOD}, GOOD),
        ({"results": {"url": "odd"}, "url": GOOD}, GOOD),
        ({"results": [{"url": GOOD}, "odd"]}, GOOD),
        ({"url": "http://x.test/v.mp4?a=1&b=视频"}, "http://x.test/v.mp4?a=1&b=视频"),
        ({"url": "HTTPS://x.test/v.mp4"}, "HTTPS://x.test/v.mp4"),
        ({}, None),
        ({"url": ""}, None),
        ({"url": 7}, None),
        ({"url": "x.test/v.mp4"}, None),
        ({"url": "https://"}, None),
        ({"url": "https://[broken"}, None),
        ({"url": "ftp://x.test/v.mp4"}, None),
        ({"url": "javascript:alert(1)"}, None),
        ({"url": "data:video/mp4;base64,AAAA"}, None),
        ({"url": "https://x.test/a b"}, None),
        ({"url": "https://x.test/a\nb"}, None),
        ({"url": "https://x.test/\x1b[2J"}, None),
        ({"url": "https://x.test/\x00"}, None),
        ({"url": "https://x.test/\ud800"}, None),
        ({"url": GOOD + "a" * 2048}, None),
        ({"url": "https://x.test/" + "a" * (2048 - 15)}, "https://x.test/" + "a" * (2048 - 15)),
    ],
)
@pytest.mark.parametrize("status", ["succeeded", "success", "SUCCEEDED"])
def test_success_gives_a_usable_link_or_none(data: dict[str, Any], url: str | None, status: str) -> None:
    """Sora's and Veo's links are found; what cannot be stored and opened safely is no link."""
    assert make().read_result("1", result(status=status, **data)) == Succeeded(video_url=url)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"failure_reason": "input_moderation"}, (PARAM, "input_moderation", "input_moderation")),
        ({"failure_reason": "output_moderation"}, (MODEL, "output_moderation", "output_moderation")),
        ({"failure_reason": "Input_Moderation", "error": "timeout"}, (PARAM, "timeout", "Input_Moderation")),
        ({"failure_reason": "error", "error": "invalid parameter"}, (PARAM, "invalid parameter", "error")),
        ({"failure_reason": "error", "error": ""}, (UNKNOWN, "error", "error")),
        ({"failure_reason": "error", "error": "model overloaded"}, (MODEL, "model overloaded", "error")),
        ({"failure_reason": "", "error": "网络连接失败"}, (NETWORK, "网络连接失败", None)),
        ({"failure_reason": "third_party"}, (UNKNOWN, "third_party", "third_party")),
        ({}, (UNKNOWN, "REMOTE_TASK_FAILED", None)),
    ],
)
@pytest.mark.parametrize("status", ["failed", "error", "violation", "Failed"])
def test_failure_is_classified_by_reason_then_by_text(
    data: dict[str, Any], expected: tuple[FailureType, str, str | None], status: str
) -> None:
    """The moderation reasons have their types; else the text decides: `error`, else the reason."""
    failure_type, error, reason = expected
    answered = make().read_result("1", result(status=status, **data))
    assert answered == Failed(failure_type=failure_type, error=error, reason=reason)


def test_failure_without_text_takes_the_message() -> None:
    """Where error and reason are empty, a message that says more than "success" is the text."""
    failed = reply({"code": 0, "msg": "parameter wrong", "data": {"id": "1", "status": "failed"}})
    assert make().read_result("1", failed) == Failed(failure_type=PARAM, error="parameter wrong")


def test_texts_are_fit_to_be_stored_and_shown() -> None:
    """No control characters, no lone surrogates, no more than 500 characters, and never the key."""
    nasty = f"\x00\x1b[31mkey {KEY}\r\nis\u202ebad\ud800 " + "长" * 1000
    answered = make().read_result("1", result(status="failed", error=nasty, failure_reason=nasty))
    assert isinstance(answered, Failed)
    for text in (answered.error, answered.reason):
        assert text is not None
        assert text.startswith("[31mkey *** is bad 长长")
        assert len(text) == 500
        assert text.isprintable()
    refusal = make().read_submission(reply({"code": -1, "msg": nasty}, status=400))
    assert isinstance(refusal, Refused)
    assert KEY not in refusal.error


def test_key_is_not_shown() -> None:
    """The provider's own text shows where it talks to, and not with which key."""
    assert repr(make()) == f"Grsai(host='{HOST}')"
    assert KEY not in str(make())


def test_registry_builds_providers() -> None:
    """Every registered provider is built from the same settings and answers as the port demands."""
    for build in PROVIDERS.values():
        provider: Provider = build(host=HOST, api_key=KEY, timeout_ms=1000, callback_base_url=None, clock=lambda: NOW)
        assert provider.host == HOST
        assert provider.question(1, provider.host, "x").key == 1


@pytest.mark.parametrize(
    ("data", "failure_type"),
    [
        ({"error": "invalid param"}, FailureType.PARAM_ERROR),
        ({"error": "invalid param", "failure_reason": "error"}, FailureType.PARAM_ERROR),
        (None, FailureType.MODEL_ERROR),
    ],
)
def test_refused_poll_is_classified_by_its_error_first(data: object, failure_type: FailureType) -> None:
    """A poll answered with another code fails with msg; its type comes from `error` first, from `msg` last."""
    body = json.dumps({"code": -1, "msg": "model broke", "data": data}).encode()

    answer = make().read_result("r-1", reply(raw=body))

    assert isinstance(answer, Failed)
    assert (answer.failure_type, answer.error) == (failure_type, "model broke")


ENCODED = "".join(f"%{ord(char):02X}" for char in KEY)


@pytest.mark.parametrize(
    "shown", [KEY, KEY.upper(), ENCODED, ENCODED.lower(), KEY.replace("-", "%2d"), f"Bearer {KEY}"]
)
def test_no_form_of_the_key_is_kept(shown: str) -> None:
    """Whatever the provider repeats our key in, what is kept of its answer holds neither it nor a part of it."""
    nested = {"id": "1", "status": "failed", "error": f"bad {shown}.", "failure_reason": f"see {shown}"}
    failed = make().read_result("1", reply({"code": 0, "msg": shown, "data": nested}))
    assert isinstance(failed, Failed)
    assert (failed.error, failed.reason) == (shown_as(f"bad {shown}.", shown), shown_as(f"see {shown}", shown))
    for status in (200, 400, 401, 429, 500, 504):
        for field in ("msg", "error", "message"):
            answered = make().read_submission(reply({"code": -1, field: f"no: {shown}"}, status=status))
            polled = make().read_result("1", reply({"code": -1, field: f"no: {shown}"}, status=status))
            assert holds_no_key(f"{answered} {polled}")


def shown_as(text: str, shown: str) -> str:
    """Return a text as it is kept."""
    return text.replace(shown, shown.replace(shown.removeprefix("Bearer "), "***"))


def holds_no_key(text: str) -> bool:
    """Say whether neither the key nor its middle stands in a text, however it is written."""
    return not any(KEY[5:12] in form.lower() for form in (text, unquote(text)))


@pytest.mark.parametrize("shown", [KEY, ENCODED, KEY.upper(), f"task-{KEY}-1"])
@pytest.mark.parametrize("place", ["id", "task_id"])
def test_id_that_shows_the_key_is_none(shown: str, place: str) -> None:
    """An id is stored and shown, so one that holds the key counts as missing; the next place is looked at no more."""
    answered = make().read_submission(reply({"code": 0, "data": {place: shown}}))
    assert answered == Refused(failure_type=FailureType.MODEL_ERROR, error="REMOTE_TASK_ID_MISSING")


@pytest.mark.parametrize("link", [f"https://x.test/v.mp4?key={KEY}", f"https://x.test/{ENCODED}/v.mp4"])
def test_link_that_shows_the_key_is_none(link: str) -> None:
    """A link goes to the customer: one that holds the key is no link, and the other one is taken if there is one."""
    assert make().read_result("1", result(status="succeeded", url=link)) == Succeeded(video_url=None)
    answered = make().read_result("1", result(status="succeeded", results=[{"url": link}], url=GOOD))
    assert answered == Succeeded(video_url=GOOD)


def test_key_that_is_part_of_words_is_not_looked_for() -> None:
    """A key of a few letters is none; leaving it out of every text would make messages unreadable."""
    provider = Grsai(host=HOST, api_key="error", timeout_ms=1, callback_base_url=None, clock=lambda: NOW)
    answered = provider.read_result("1", result(status="failed", error="an error occurred"))
    assert isinstance(answered, Failed)
    assert answered.error == "an error occurred"


HOSTILE = [
    "\x00" * 1000,
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\ud83d half",
    "\u202e\u2066\u200b\ufeff",
    "[/red][link=file:///etc/passwd]",
    "=cmd|' /C calc'!A0",
    "a\u0301" * 5000,
    "x" * 500_000,
    "\r\n\t\v\f\u2028",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_whatever_is_said_can_be_stored(text: str) -> None:
    """No text of the provider keeps a row from being written: PostgreSQL takes neither NUL nor half a character."""
    document = {"code": -1, "msg": text, "data": {"id": "1", "status": "failed", "error": text, "failure_reason": text}}
    for status in (200, 400, 401, 429, 500, 504):
        began = monotonic()
        answers = [
            make().read_submission(reply(document, status=status)),
            make().read_result("1", reply(document, status=status)),
            make().read_result("1", reply(document | {"code": 0}, status=status)),
        ]
        assert monotonic() - began < 1
        for answered in answers:
            for kept in (getattr(answered, name, None) for name in ("error", "reason", "told")):
                assert kept is None or (len(kept) <= 500 and kept.isprintable())


@pytest.mark.parametrize("raw", [b"\xff\xfe", b'{"code":0,"msg":"\xff"}', b'{"code":-1,"msg":"\xed\xa0\x80"}', b"\x00"])
def test_bytes_that_are_no_text(raw: bytes) -> None:
    """An answer that is not UTF-8 is no answer; whatever was submitted is in doubt, and a poll is asked again."""
    assert isinstance(make().read_submission(reply(raw=raw)), OutcomeUnknown)
    assert isinstance(make().read_result("1", reply(raw=raw)), Transient)
