"""What can be answered instead of the normal answer: the vocabulary that scripts of provider and receiver share."""

import gzip
import json
import re
from dataclasses import replace
from functools import cache

from batchctl.simulator.answer import Answer, Manner

Fault = Answer | Manner
"""An answer in place of the normal one, or a manner in which the normal one is carried (or lost)."""

BALANCE_MSG = "insufficient credits"
"""The msg of a drained account, as recorded live (HTTP 200, code -1)."""


def apply_fault(fault: Fault | None, normal: Answer) -> Answer:
    """Return the answer to give where `normal` would be given without the fault."""
    match fault:
        case None:
            return normal
        case Answer():
            return fault
        case Manner():
            return replace(normal, manner=fault)


def arrives(fault: Fault | None) -> bool:
    """Whether the normal answer reaches a patient client although the fault is met."""
    return fault is None or (isinstance(fault, Manner) and fault.arrives)


def http_status(
    status: int, *, retry_after: str | None = None, body: bytes = b"", location: str | None = None
) -> Answer:
    """Return a bare answer with that status; `retry_after` is sent as it stands (seconds, a date, nonsense)."""
    headers = {"retry-after": retry_after, "location": location}
    return Answer(status=status, headers={name: text for name, text in headers.items() if text is not None}, body=body)


def refusal(code: int = -1, msg: str = BALANCE_MSG, *, status: int = 200) -> Answer:
    """Return the provider's envelope with a code that is not 0."""
    return Answer(status=status, body=json.dumps({"code": code, "data": None, "msg": msg}, ensure_ascii=False).encode())


@cache
def _gzip_bomb() -> Answer:
    """Return 64 MiB of blanks, compressed to less than 300 kB."""
    return Answer(headers={"content-encoding": "gzip"}, body=gzip.compress(b" " * (64 << 20), compresslevel=1))


def _envelope(data: object) -> bytes:
    return json.dumps({"code": 0, "msg": "success", "data": data}).encode()


_OF_ANOTHER_TASK = {
    "id": "the-id-of-another-task",
    "status": "succeeded",
    "progress": 100,
    "results": [{"url": "https://simulator.example/of-another-task.mp4"}],
    "url": "https://simulator.example/of-another-task.mp4",
}
_EVENTS = b'data: {"id":"streamed-task","status":"running","progress":1}\n\n' * 50

_STRANGE: dict[str, Answer] = {
    "malformed": Answer(body=b'{"code":0,"msg":"success","data":{"id":"hal'),
    "html": Answer(headers={"content-type": "text/html"}, body=b"<html><body><h1>Bad gateway</h1></body></html>"),
    "empty": Answer(),
    "list": Answer(body=b"[]"),
    "utf16": Answer(body=_envelope({"id": "wide"}).decode().encode("utf-16")),
    "nan": Answer(body=b'{"code":NaN,"msg":"success","data":{"id":"x","progress":Infinity}}'),
    "duplicate_keys": Answer(body=b'{"code":0,"code":-1,"msg":"both","data":{"id":"one","id":"two"}}'),
    "nested": Answer(body=b'{"code":0,"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "wrong_types": Answer(body=b'{"code":"zero","msg":7,"data":["id"]}'),
    "no_code": Answer(body=b'{"msg":"success","data":{}}'),
    "no_id": Answer(body=_envelope({})),
    "null_id": Answer(body=_envelope({"id": None})),
    "number_id": Answer(body=_envelope({"id": 12345})),
    "empty_id": Answer(body=_envelope({"id": ""})),
    "long_id": Answer(body=_envelope({"id": "x" * 10_000})),
    "wrong_id": Answer(body=_envelope(_OF_ANOTHER_TASK)),
    "stream": Answer(headers={"content-type": "text/event-stream"}, body=_EVENTS, manner=Manner.DRIP, drip_s=0.01),
}


def fault_named(word: str, *, code: int = -1, msg: str = BALANCE_MSG, retry_after: str | None = None) -> Fault:
    """Return the fault that a directive calls by this word; raises ValueError for an unknown one.

    The words: an HTTP status (`503`, with `retry_after`), `code` (with `code` and `msg`), a `Manner` (`hang`, `reset`,
    `close`, `cut`, `stall`, `drip`, `leave`, `huge`, `headers`), `gzip_bomb`, or one of the strange bodies above
    (`malformed`, `html`, `empty`, `no_id`, …).
    """
    if word in _STRANGE:
        return _STRANGE[word]
    match word:
        case "code":
            return refusal(code, msg)
        case "gzip_bomb":
            return _gzip_bomb()
        case _ if re.fullmatch("[1-9][0-9][0-9]", word):
            return http_status(int(word), retry_after=retry_after, body=f'{{"msg":"HTTP {word}"}}'.encode())
        case _:
            return Manner(word)
