"""How the simulated provider treats one task, set from Python or by a directive inside the task's prompt.

A directive looks like `[sim: polls=3 latency=0.05 fail=output_moderation]` and may stand anywhere in the prompt. It is
read leniently: words that mean nothing here and values that cannot be read are passed over. Values with blanks are
quoted. The words:

=====================================  =================================================================================
latency= submit_latency= poll_latency=  seconds before an answer is given
submit=FAULT                            what submissions meet, see `faults.fault_named`
submit_times=N                          only the first N submissions of this prompt meet it; then the normal answer
accepted                                a submission that meets the fault was accepted all the same
code= msg= retry_after=                 details of the faults `code` (code, msg) and of HTTP statuses (Retry-After)
id_at=data.id|id|task_id|data.task_id   where the submission's answer carries the id
remote_id=TEXT                          this id instead of a fresh one (the same id for two tasks)
poll=FAULT poll_times=N                 what (the first N) questions about the result meet
polls=N                                 the N-th answered question brings the end; running answers come before
progress=80,20,null                     the progress that running answers give, the last one for ever
running=WORD                            the status word of running answers; `null` gives none
never                                   the task never ends
fail=REASON error=TEXT                  the task fails with this failure_reason, this error
status=WORD                             the status word of the end: success, SUCCEEDED, violation, …
flips                                   each answer after the end tells the other end: failed, then succeeded, …
url=TEXT                                the video's link; `url=` gives none
urlless=N                               the first N answers of success give no link yet
=====================================  =================================================================================
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from batchctl.simulator.faults import BALANCE_MSG, Fault, fault_named

_DIRECTIVE = re.compile(r"\[sim:([^\]]*)\]")


class End(StrEnum):
    """How a task ends."""

    SUCCEED = "succeed"
    FAIL = "fail"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How the provider treats one task; the default is a task that succeeds at the first question."""

    submit_latency_s: float = 0.0
    submit_fault: Fault | None = None
    submit_times: int | None = None
    """How many submissions of the prompt meet the fault; None means all."""
    accepts: bool = False
    """Whether a submission that meets the fault was accepted all the same, so that only its answer is lost."""
    id_at: str = "data.id"
    """Where the answer carries the id: data.id, id, task_id or data.task_id."""
    remote_id: str | None = None
    """The id to give, or None for a fresh one."""

    poll_latency_s: float = 0.0
    poll_fault: Fault | None = None
    poll_times: int | None = None
    """How many questions, counted from the first one, meet the fault; None means all."""
    polls: int = 1
    """Which answered question brings the end; questions that met a fault are not counted."""
    progress: tuple[int | float | str | None, ...] = ()
    """What running answers give as progress, the last one for ever; empty means a rising one."""
    running_status: str | None = "running"

    end: End = End.SUCCEED
    status: str | None = None
    """The status word of the end, or None for `succeeded` and `failed`."""
    flips: bool = False
    """Whether each answer after the end tells the other end than the one before it."""
    failure_reason: str = "error"
    error: str = "Failed to generate, system error please try again"
    video_url: str | None = None
    """The video's link; None makes one up from the id, an empty one is left out."""
    urlless_polls: int = 0
    """How many answers of success come without a link before the one that has it."""


ScriptFor = Callable[[str, str], Script]
"""Chooses the script by prompt and model; called in a server thread once for each submission that was read.

Should it raise, the connection is closed and the traceback goes to `threading.excepthook`.
"""


def script_from_prompt(prompt: str, model: str = "", *, base: Script | None = None) -> Script:
    """Return `base` as changed by the directive in the prompt, if there is one; the model does not matter."""
    del model  # Part of ScriptFor.
    unchanged = base or Script()
    found = _DIRECTIVE.search(prompt)
    return apply_directive(found[1], unchanged) if found else unchanged


def apply_directive(words: str, base: Script) -> Script:
    """Return `base` as changed by the words of a directive (without the brackets)."""
    try:
        tokens = shlex.split(words)
    except ValueError:  # An unbalanced quote.
        tokens = words.split()
    given = {key: value for key, _, value in (token.partition("=") for token in tokens)}
    changes: dict[str, Any] = {}
    for key, value in given.items():
        for field, read in _FIELDS.get(key, ()):
            _change(changes, field, read, value)
    for key, field in (("submit", "submit_fault"), ("poll", "poll_fault")):
        if key in given:
            _change(changes, field, lambda word: _fault(word, given), given[key])
    return replace(base, **changes)


def _change(changes: dict[str, Any], field: str, read: Callable[[str], object], value: str) -> None:
    """Set the field to what the value reads as; a value that cannot be read is passed over."""
    try:
        changes[field] = read(value)
    except ValueError:
        return


def _fault(word: str, given: dict[str, str]) -> Fault:
    return fault_named(
        word,
        code=int(given.get("code", "-1")),
        msg=given.get("msg", BALANCE_MSG),
        retry_after=given.get("retry_after"),
    )


def _progress(text: str) -> tuple[int | str | None, ...]:
    return tuple(_progress_item(item) for item in text.split(","))


def _progress_item(item: str) -> int | str | None:
    if item == "null":
        return None
    try:
        return int(item)
    except ValueError:
        return item


_FIELDS: dict[str, tuple[tuple[str, Callable[[str], object]], ...]] = {
    "latency": (("submit_latency_s", float), ("poll_latency_s", float)),
    "submit_latency": (("submit_latency_s", float),),
    "poll_latency": (("poll_latency_s", float),),
    "submit_times": (("submit_times", int),),
    "accepted": (("accepts", lambda _: True),),
    "id_at": (("id_at", str),),
    "remote_id": (("remote_id", str),),
    "poll_times": (("poll_times", int),),
    "polls": (("polls", int),),
    "progress": (("progress", _progress),),
    "running": (("running_status", lambda word: None if word == "null" else word),),
    "never": (("end", lambda _: End.NEVER),),
    "fail": (("end", lambda _: End.FAIL), ("failure_reason", str)),
    "error": (("end", lambda _: End.FAIL), ("error", str)),
    "status": (("status", str),),
    "flips": (("flips", lambda _: True),),
    "url": (("video_url", str),),
    "urlless": (("urlless_polls", int),),
}
"""The words of a directive, what they set and how their value is read."""
