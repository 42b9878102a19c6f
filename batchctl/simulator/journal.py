"""What the simulators saw, entry by entry, and the oracles that are read off it.

Entries are kept in memory and, given a file, appended to it as one JSON object a line, handed to the operating system
at once: the file survives a kill -9 and can be read by another process while it grows.
"""

import json
import os
import threading
from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One submission that the provider read, whatever became of it."""

    at_s: float
    """`time.monotonic()`, the same clock for every process of the machine."""
    in_flight: int
    """How many requests were being handled, this one included."""
    prompt: str
    model: str
    body: dict[str, Any]
    """The whole JSON body."""
    headers: dict[str, str]
    """Without the token."""
    remote_id: str | None
    """The id of the accepted task; None when it was not accepted."""
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """One question about a task's result."""

    at_s: float
    in_flight: int
    remote_id: str
    """As asked for, known or not."""
    answer: str
    ended: bool
    """Whether this answer was the first to say that the task has ended."""
    video_url: str | None
    """The link, when success was answered with one (in whatever word for success the script chose)."""


class Check(StrEnum):
    """What the receiver found when it verified a signature."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"
    UNCHECKED = "unchecked"
    """The receiver knows no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request that a webhook receiver read."""

    at_s: float
    in_flight: int
    method: str
    path: str
    """The request target, with its query."""
    headers: dict[str, str]
    body: bytes
    """The exact bytes."""
    answer: str
    acknowledged: bool
    """Whether the answer is a 2xx that reaches a patient client."""
    hex_signature: Check
    """x-webhook-signature."""
    standard_signature: Check
    """webhook-id, webhook-timestamp, webhook-signature."""

    @property
    def webhook_id(self) -> str:
        """The header webhook-id, empty when it is missing."""
        return self.headers.get("webhook-id", "")


Entry = TypeVar("Entry", Submitted | Polled, Received)


class _Journal(Generic[Entry]):
    """A growing list of entries, safe to add to and to read from any thread."""

    def __init__(self, file: Path | None = None) -> None:
        """Keep entries in memory, and in `file` if there is one. Raises OSError when it cannot be opened."""
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if file else None

    def add(self, entry: Entry) -> None:
        """Append one entry."""
        line = _to_line(entry) if self._file is not None else b""
        with self._lock:
            self._entries.append(entry)
            if self._file is not None:
                os.write(self._file, line)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry so far, in order."""
        with self._lock:
            return tuple(self._entries)

    @property
    def max_in_flight(self) -> int:
        """The highest number of requests that were being handled at once."""
        return max((entry.in_flight for entry in self.entries), default=0)

    def close(self) -> None:
        """Close the file; entries stay readable."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class ProviderJournal(_Journal[Submitted | Polled]):
    """What the provider saw; oracles P1 to P3 of its half."""

    @classmethod
    def read(cls, file: Path) -> "ProviderJournal":
        """Return the journal that another process has written so far; a last line still being written is left out."""
        journal = cls()
        for record in _records(file):
            journal.add(Submitted(**record) if "prompt" in record else Polled(**record))
        return journal

    @property
    def submissions(self) -> tuple[Submitted, ...]:
        """Every submission that was read, accepted or not."""
        return tuple(entry for entry in self.entries if isinstance(entry, Submitted))

    @property
    def accepted(self) -> tuple[Submitted, ...]:
        """Every accepted submission."""
        return tuple(entry for entry in self.submissions if entry.remote_id is not None)

    @property
    def polls(self) -> tuple[Polled, ...]:
        """Every question about a result."""
        return tuple(entry for entry in self.entries if isinstance(entry, Polled))

    def accepted_per_prompt(self) -> Counter[str]:
        """Return how many submissions of each prompt were accepted (P1: at most one without resubmission)."""
        return Counter(entry.prompt for entry in self.accepted)

    def delivered(self) -> dict[str, str]:
        """Return the tasks for which success with a link was answered: remote id → link (P3)."""
        return {entry.remote_id: entry.video_url for entry in self.polls if entry.video_url is not None}

    @property
    def max_open_tasks(self) -> int:
        """The highest number of tasks that were accepted and not yet answered with their end."""
        highest = open_tasks = 0
        for entry in self.entries:
            match entry:
                case Submitted(remote_id=str()):
                    open_tasks += 1
                    highest = max(highest, open_tasks)
                case Polled(ended=True):
                    open_tasks -= 1
                case _:
                    pass
        return highest


class ReceiverJournal(_Journal[Received]):
    """What a receiver saw; oracle H1 of its half."""

    @classmethod
    def read(cls, file: Path) -> "ReceiverJournal":
        """Return the journal that another process has written so far; a last line still being written is left out."""
        journal = cls()
        for record in _records(file):
            for name in ("hex_signature", "standard_signature"):
                record[name] = Check(record[name])
            record["body"] = record["body"].encode("utf-8", "surrogateescape")
            journal.add(Received(**record))
        return journal

    def per_id(self) -> dict[str, tuple[Received, ...]]:
        """Return the requests of each webhook-id, in order."""
        grouped: dict[str, tuple[Received, ...]] = {}
        for entry in self.entries:
            grouped[entry.webhook_id] = (*grouped.get(entry.webhook_id, ()), entry)
        return grouped

    def delivered(self) -> set[str]:
        """Return each webhook-id that was acknowledged at least once (H1: it, or its delivery has failed for good)."""
        return {entry.webhook_id for entry in self.entries if entry.acknowledged}

    def ids_with_differing_bodies(self) -> set[str]:
        """Return each webhook-id that came with more than one body (H1: none)."""
        return {name for name, entries in self.per_id().items() if len({entry.body for entry in entries}) > 1}

    def badly_signed(self) -> tuple[Received, ...]:
        """Return the requests of which a signature is wrong, missing or unchecked (H1: none)."""
        return tuple(
            entry for entry in self.entries if {entry.hex_signature, entry.standard_signature} != {Check.VALID}
        )


def _to_line(entry: Submitted | Polled | Received) -> bytes:
    # dataclasses.asdict() would copy every value deeply, which costs more than the rest of a request.
    record = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return json.dumps(record, default=lambda body: body.decode("utf-8", "surrogateescape")).encode() + b"\n"


def _records(file: Path) -> list[dict[str, Any]]:
    lines = file.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]
