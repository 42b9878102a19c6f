"""When submitting stops: the provider refuses our account, or nobody answers there (contract §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from batchctl.domain.provider import Accepted, AccountRefused, Deferred, Refused, SubmitAnswer

TEXT_REFUSAL_TASKS = 3
TEXT_REFUSAL_CUSTOMERS = 2
"""A refusal that only the text of an answer tells stops the pass after three tasks of two customers (contract §4)."""
UNCONNECTED_IN_A_ROW = 20
"""So many requests in a row that failed to connect end the submissions of a pass: the rest would fail alike."""
PROBE_WAITS = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
"""How long an account that was refused is left alone before one task is tried; the last wait repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreaker:
    """What is remembered across passes of a provider that refuses our account."""

    opened_at: datetime
    reason: str
    probe_at: datetime
    """When one task may be tried."""
    probe_count: int
    waiting_count: int
    """Pending tasks of batches that could go on if the account were good."""


def probe_wait(probe_count: int) -> timedelta:
    """Return how long to wait after so many probes were refused."""
    return PROBE_WAITS[min(probe_count, len(PROBE_WAITS) - 1)]


class SubmissionBreaker:
    """Watches the answers to one pass's submissions."""

    def __init__(self) -> None:
        """Start closed: submissions go on."""
        self.account_error: str | None = None
        """Why the provider refuses our account, once that is certain."""
        self.account_is_good = False
        """Whether the provider has judged a task by itself, which it does for a good account only."""
        self._refused_by_text: dict[UUID, UUID] = {}
        self._unconnected = 0

    @property
    def is_open(self) -> bool:
        """Say whether the pass must submit nothing more."""
        return self.account_error is not None or self._unconnected >= UNCONNECTED_IN_A_ROW

    def see(self, task_id: UUID, user_id: UUID, answer: SubmitAnswer) -> None:
        """Take note of an answer."""
        self._unconnected = self._unconnected + 1 if isinstance(answer, Deferred) and not answer.connected else 0
        if not isinstance(answer, AccountRefused):
            self.account_is_good |= isinstance(answer, Accepted | Refused)
            return
        self._refused_by_text[task_id] = user_id
        tasks, customers = len(self._refused_by_text), len(set(self._refused_by_text.values()))
        if answer.by_status or (tasks >= TEXT_REFUSAL_TASKS and customers >= TEXT_REFUSAL_CUSTOMERS):
            self.account_error = self.account_error or answer.told
