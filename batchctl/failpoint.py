"""Named points at which a test, or the demonstration, lets a process die, fail, stand still or lose a connection.

BATCHCTL_FAILPOINTS arms them for a process, several parted by commas: `settle.before_commit:1:kill` kills it when that
point is reached for the first time. Nothing but tests and the demonstration sets it; unarmed points do nothing.

A point before a commit stands inside the transaction, with all of it written. There `cut` has the database undo it, and
`cut=reply` has it committed while its worker hears no answer: the one thing that a kill cannot show.
"""

import os
import re
import signal
import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from threading import RLock
from typing import Protocol

from batchctl.domain.problem import ConfigProblem

VARIABLE = "BATCHCTL_FAILPOINTS"


class Failpoint(StrEnum):
    """Where a process can be stopped."""

    CLAIM_BEFORE_COMMIT = "claim.before_commit"
    CLAIM_AFTER_COMMIT = "claim.after_commit"
    REFUSE_BEFORE_COMMIT = "refuse.before_commit"
    CLOSE_BEFORE_COMMIT = "close.before_commit"
    RESCUE_BEFORE_COMMIT = "rescue.before_commit"
    RESCUE_AFTER_COMMIT = "rescue.after_commit"

    SUBMIT_BEFORE_INTENT = "submit.before_intent"
    SUBMIT_AFTER_INTENT = "submit.after_intent"
    SUBMIT_ANSWERED = "submit.answered"
    SUBMIT_BEFORE_COMMIT = "submit.before_commit"
    SUBMIT_AFTER_COMMIT = "submit.after_commit"

    EXPIRE_BEFORE_COMMIT = "expire.before_commit"
    POLL_BEFORE_INTENT = "poll.before_intent"
    POLL_AFTER_INTENT = "poll.after_intent"
    POLL_ANSWERED = "poll.answered"
    POLL_BEFORE_COMMIT = "poll.before_commit"
    POLL_AFTER_COMMIT = "poll.after_commit"
    LOOK_BEFORE_INTENT = "look.before_intent"
    LOOK_ANSWERED = "look.answered"
    LOOK_BEFORE_COMMIT = "look.before_commit"

    ADOPT_BEFORE_COMMIT = "adopt.before_commit"
    SETTLE_BEFORE_COMMIT = "settle.before_commit"
    SETTLE_AFTER_COMMIT = "settle.after_commit"

    DELIVER_BEFORE_INTENT = "deliver.before_intent"
    DELIVER_AFTER_INTENT = "deliver.after_intent"
    DELIVER_ANSWERED = "deliver.answered"
    DELIVER_BEFORE_COMMIT = "deliver.before_commit"
    DELIVER_AFTER_COMMIT = "deliver.after_commit"

    HTTP_BEFORE_CONNECT = "http.before_connect"
    HTTP_AFTER_SEND = "http.after_send"
    HTTP_ANSWER_BEGUN = "http.answer_begun"
    DB_BEFORE_CONNECT = "db.before_connect"
    DB_BEFORE_COMMIT = "db.before_commit"
    DB_AFTER_COMMIT = "db.after_commit"
    SIGNAL_FIRST = "signal.first"
    SIGNAL_SECOND = "signal.second"


class Connection(Protocol):
    """What can be cut."""

    def fileno(self) -> int:
        """Return the descriptor of its socket."""
        ...


class FailpointError(Exception):
    """What the action `raise` raises."""


@dataclass(frozen=True, slots=True)
class _Arming:
    left: int
    """At which reach, counted from now, the action happens."""
    action: str


def reach(point: Failpoint, connection: Connection | None = None) -> None:
    """Say that a point is reached, with the connection that is in use there: nothing happens unless it is armed."""
    if point in _armed:
        _pass(point, connection)


def arm(text: str) -> None:
    """Arm what `text` names, `name:nth:action` parted by commas, and nothing else; ConfigProblem when it is misspelt.

    Actions: kill, raise, `sleep=SECONDS`, cut, `cut=reply`.
    """
    armed = dict(map(_read, filter(None, text.split(","))))
    with _lock:
        _armed.clear()
        _armed.update(armed)


def still_armed() -> set[Failpoint]:
    """Return the points that were armed and not reached as often as that says."""
    return {*_armed}


def _read(part: str) -> tuple[Failpoint, _Arming]:
    name, _, rest = part.partition(":")
    found = re.fullmatch(rf"([1-9][0-9]{{0,8}}):({_ACTIONS})", rest)
    if name not in [*Failpoint]:
        raise ConfigProblem(f"{VARIABLE}: there is no point {name!r} (batchctl/failpoint.py lists them)")
    if found is None:
        form = "NAME:NTH:ACTION; actions are kill, raise, sleep=SECONDS, cut, cut=reply"
        raise ConfigProblem(f"{VARIABLE}: {part!r} is not {form}")
    return Failpoint(name), _Arming(int(found[1]), found[2])


def _pass(point: Failpoint, connection: Connection | None) -> None:
    with _lock:
        arming = _armed.pop(point, None)  # Another thread may have been here first.
        if arming is None:
            return
        if arming.left > 1:
            _armed[point] = _Arming(arming.left - 1, arming.action)
            return
    _act(point, arming.action, connection)


def _act(point: Failpoint, action: str, connection: Connection | None) -> None:
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise FailpointError(point)
        case "cut" | "cut=reply":
            if connection is None:
                raise FailpointError(f"no connection is in use at {point}")
            with socket.socket(fileno=os.dup(connection.fileno())) as cut:
                cut.shutdown(socket.SHUT_RD if action == "cut=reply" else socket.SHUT_RDWR)
        case _:
            time.sleep(float(action.removeprefix("sleep=")))  # noqa: TID251 - the point of it is that real time passes


_ACTIONS = r"kill|raise|cut|cut=reply|sleep=[0-9]{1,4}(\.[0-9]{1,6})?"
_lock = RLock()
"""Reentrant, as a signal may come while it is held, and signals have points of their own."""
_armed: dict[Failpoint, _Arming] = {}
arm(os.environ.get(VARIABLE, ""))
