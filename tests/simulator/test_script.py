"""Directives in a prompt become scripts; what means nothing is passed over."""

from typing import Any

import pytest

from batchctl.simulator.answer import Answer, Manner
from batchctl.simulator.faults import fault_named, http_status, refusal
from batchctl.simulator.script import End, Script, apply_directive, script_from_prompt


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("latency=0.05", {"submit_latency_s": 0.05, "poll_latency_s": 0.05}),
        ("submit_latency=1 poll_latency=2.5", {"submit_latency_s": 1.0, "poll_latency_s": 2.5}),
        ("submit=hang", {"submit_fault": Manner.HANG}),
        ("submit=reset accepted submit_times=2", {"submit_fault": Manner.RESET, "accepts": True, "submit_times": 2}),
        ("submit=code", {"submit_fault": refusal(-1, "insufficient credits")}),
        ("submit=code code=-7 msg='too many requests'", {"submit_fault": refusal(-7, "too many requests")}),
        ("poll=code code=-22 msg=gone poll_times=3", {"poll_fault": refusal(-22, "gone"), "poll_times": 3}),
        ("id_at=data.task_id remote_id=same", {"id_at": "data.task_id", "remote_id": "same"}),
        ("polls=4 running=queued", {"polls": 4, "running_status": "queued"}),
        ("running=null flips", {"running_status": None, "flips": True}),
        ("progress=80,-5,50%,null", {"progress": (80, -5, "50%", None)}),
        ("never", {"end": End.NEVER}),
        ("fail=output_moderation", {"end": End.FAIL, "failure_reason": "output_moderation"}),
        ('error="no such model"', {"end": End.FAIL, "error": "no such model"}),
        ("status=SUCCEEDED url= urlless=2", {"status": "SUCCEEDED", "video_url": "", "urlless_polls": 2}),
    ],
)
def test_words_set_their_fields(words: str, fields: dict[str, Any]) -> None:
    """Each word of the documented table sets its field and no other."""
    assert script_from_prompt(f"a cat [sim: {words}] on a mat") == Script(**fields)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat",
        "a cat [sim polls=3]",
        "[sim:]",
        "[sim: polls=many latency=soon submit=frobnicate poll=99 poll=0503 unknown=1 polls]",
        "[sim: poll=code code=minus_one]",
    ],
)
def test_what_means_nothing_is_passed_over(prompt: str) -> None:
    """Without a directive, or with one that cannot be read, the task gets the default script."""
    assert script_from_prompt(prompt) == Script()


def test_readable_words_count_beside_unreadable_ones() -> None:
    """An unreadable value or an open quote does not spoil the other words."""
    assert script_from_prompt("[sim: polls=x never]") == Script(end=End.NEVER)
    assert script_from_prompt("[sim: polls=2 msg='open]") == Script(polls=2)


def test_directive_changes_a_base() -> None:
    """A directive changes only what it names; the rest stays as the base has it."""
    base = Script(polls=7, poll_latency_s=0.5)
    assert script_from_prompt("plain", base=base) == base
    assert script_from_prompt("[sim: polls=2]", base=base) == Script(polls=2, poll_latency_s=0.5)
    assert apply_directive("latency=0", base) == Script(polls=7)


def test_fault_words() -> None:
    """A status, a manner, and a strange body are told apart by their word."""
    busy = fault_named("429", retry_after="Wed, 21 Oct 2065 07:28:00 GMT")
    assert isinstance(busy, Answer)
    assert (busy.status, busy.headers["retry-after"]) == (429, "Wed, 21 Oct 2065 07:28:00 GMT")
    assert fault_named("cut") is Manner.CUT
    assert fault_named("empty") == Answer()
    with pytest.raises(ValueError, match="frobnicate"):
        fault_named("frobnicate")


def test_http_status_sends_only_the_headers_given() -> None:
    """Retry-After and Location appear only when they are given."""
    assert http_status(503).headers == {}
    assert http_status(302, location="http://127.0.0.1/").headers == {"location": "http://127.0.0.1/"}
