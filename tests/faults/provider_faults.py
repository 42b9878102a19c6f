"""What a provider may do wrong, and how a task ends that meets it.

The table follows the contract (§4) where earlier expectations differ: 500, 502 and 503 to a submission are no unknown
outcomes but tried again and counted; an answer without an id fails its task; a Retry-After holds up no other task; a
code that is not 0 fails a task unless its words speak of rate, balance or key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.endings import LATE, LOST, OK, End, failed

NO_ID = End(status="failed", failure_type="model_error", error="REMOTE_TASK_ID_MISSING")
NO_URL = End(status="failed", failure_type="unknown", error="SUCCEEDED_WITHOUT_VIDEO_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFault:
    """A fault as the words of a directive, and the ends of the tasks that meet it."""

    words: str
    submitted: End | None = None
    """When a submission meets it; None: it is none of submissions."""
    asked: End | None = None
    """When questions about the result meet it; None: it is none of those."""
    accepted: bool = False
    """Whether the provider accepted the submission that meets it, and only the answer is of no use."""
    submit_times: int = 1
    poll_times: int = 2
    whole_task: bool = False
    """Whether the words describe how the task runs instead of what a request meets."""

    def directives(self) -> Iterator[tuple[str, End]]:
        """Yield the directives of tasks that meet this fault, each with the end of such a task."""
        if self.whole_task and self.asked is not None:
            yield self.words, self.asked
            return
        if self.submitted is not None:
            accepted = " accepted" if self.accepted else ""
            yield f"submit={self.words} submit_times={self.submit_times}{accepted}", self.submitted
        if self.asked is not None:
            yield f"poll={self.words} poll_times={self.poll_times}", self.asked


Faults = dict[str, ProviderFault]


def _by_status() -> Faults:
    later = {status: ProviderFault(words=str(status), submitted=OK, asked=OK) for status in (408, 425, 500, 502, 503)}
    refused = {
        status: ProviderFault(
            words=str(status), submitted=failed("param_error", f"HTTP {status}: HTTP {status}"), asked=OK
        )
        for status in (400, 404, 413, 422)
    }
    unclear = {
        status: ProviderFault(words=str(status), submitted=LATE if status == 504 else LOST, asked=OK)
        for status in (301, 302, 307, 308, 501, 504, 520)
    }
    return {str(status): fault for status, fault in sorted({**later, **refused, **unclear}.items())}


def _by_retry_after() -> Faults:
    said = {
        "absent": "",
        "seconds": "retry_after=120",
        "a date": "retry_after='Fri, 31 Dec 2199 23:59:59 GMT'",
        "a past date": "retry_after='Wed, 21 Oct 2015 07:28:00 GMT'",
        "ten years": "retry_after=315360000",
        "garbage": "retry_after='in a while'",
    }
    return {
        f"429, Retry-After {name}": ProviderFault(words=f"429 {words}", submitted=OK, asked=OK)
        for name, words in said.items()
    }


def _strange_bodies() -> Faults:
    unreadable = (
        *("malformed", "wrong_types", "empty", "html", "utf16", "nan", "duplicate_keys", "nested", "list", "no_code"),
        *("huge", "gzip_bomb", "headers"),
    )
    return {word: ProviderFault(words=word, submitted=LOST, asked=OK, accepted=True) for word in unreadable} | {
        "no id": ProviderFault(words="no_id", submitted=NO_ID, asked=OK),
        "id null": ProviderFault(words="null_id", submitted=NO_ID, asked=OK),
        "id empty": ProviderFault(words="empty_id", submitted=NO_ID, asked=OK),
        "id of 10 kB": ProviderFault(words="long_id", submitted=NO_ID, asked=OK),
        "id a number": ProviderFault(words="number_id remote_id=12345", submitted=OK, accepted=True),
        "result of a number": ProviderFault(words="number_id", asked=OK),
        "result of another id": ProviderFault(words="wrong_id", asked=OK),
    }


def _lost_answers() -> Faults:
    ends = {"hang": LATE, "stall": LATE, "reset": LOST, "close": LOST, "cut": LOST}
    return {
        f"{word}{', accepted' if accepted else ''}": ProviderFault(
            words=word, submitted=end, asked=OK, accepted=accepted
        )
        for word, end in ends.items()
        for accepted in (False, True)
    } | {
        "left without a word": ProviderFault(words="leave", submitted=OK, asked=OK),
        "one byte at a time": ProviderFault(words="drip", submitted=LATE, asked=OK, poll_times=1),
        "a stream though polling was asked for": ProviderFault(
            words="stream", submitted=LATE, asked=OK, accepted=True, poll_times=1
        ),
    }


_GONE = "code code=-22 msg='task does not exist'"

_CODES = {
    "code -22, young": ProviderFault(words=_GONE, submitted=failed("unknown", "task does not exist"), asked=OK),
    "code -1, balance": ProviderFault(words="code msg='insufficient credits'", submitted=OK, asked=OK),
    "code -1, rate": ProviderFault(words="code msg='请求过于频繁'", submitted=OK, asked=OK),
    "code -1, no such words": ProviderFault(
        words="code msg='internal error'",
        submitted=failed("unknown", "internal error"),
        asked=failed("unknown", "internal error"),
    ),
    "code unknown": ProviderFault(
        words="code code=77 msg=odd", submitted=failed("unknown", "odd"), asked=failed("unknown", "odd")
    ),
    "503 three times": ProviderFault(
        words="503", submitted=failed("model_error", "HTTP 503: HTTP 503"), submit_times=3
    ),
    "unreachable for 40 polls": ProviderFault(words="503", asked=OK, poll_times=40),
}
_COURSES = {
    "unknown status": "running=waiting polls=3",
    "status null": "running=null polls=3",
    "upper case": "status=SUCCEEDED",
    "progress of all kinds": "progress=80,20,-5,101,50%,null polls=5",
    "link comes later": "urlless=2",
}
_FAILING_COURSES = {
    "violation": ("fail=output_moderation error=violates status=violation", failed("model_error", "violates")),
    "no link, ever": ("url=", NO_URL),
    "link of another scheme": ("url=ftp://example.com/v.mp4", NO_URL),
    "link that is a program": ("url='javascript:alert(1)'", NO_URL),
    "link of 10 kB": (f"url=https://example.com/{'v' * 10_000}", NO_URL),
    "link with control characters": ("url='https://example.com/\x07\x1b[31m'", NO_URL),
}

FAMILIES: dict[str, Faults] = {
    "answers that are lost or slow": _lost_answers(),
    "statuses": _by_status(),
    "rate limits": _by_retry_after(),
    "strange bodies": _strange_bodies(),
    "codes": _CODES,
    "code -22, old": {
        "code -22, old": ProviderFault(words=_GONE, asked=failed("unknown", "task does not exist"), poll_times=9)
    },
    "courses of a task": {
        **{name: ProviderFault(words=words, asked=OK, whole_task=True) for name, words in _COURSES.items()},
        **{
            name: ProviderFault(words=words, asked=end, whole_task=True)
            for name, (words, end) in _FAILING_COURSES.items()
        },
    },
    "a refused account": {
        **{status: ProviderFault(words=status, submitted=OK, asked=OK) for status in ("401", "402", "403")},
        "code -1, key": ProviderFault(words="code msg='密钥无效'", submitted=OK, asked=OK),
    },
}
"""The table. The faults of a family can be met side by side without one changing what becomes of another."""
SLOW, ACCOUNT = "answers that are lost or slow", "a refused account"
PROVIDER_FAULTS: Faults = {name: fault for faults in FAMILIES.values() for name, fault in faults.items()}
