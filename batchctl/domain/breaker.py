"""When a pass stops submitting: the provider refuses our account, or nobody answers there (contract §4)."""

from uuid import UUID

from batchctl.domain.provider import AccountRefused, Deferred, SubmitAnswer

TEXT_REFUSAL_TASKS = 3
TEXT_REFUSAL_CUSTOMERS = 2
"""A refusal that only the text of an answer tells stops the pass after three tasks of two customers (contract §4)."""
UNCONNECTED_IN_A_ROW = 20
"""So many requests in a row that failed to connect end the submissions of a pass: the rest would fail alike."""


class SubmissionBreaker:
    """Watches the answers to one pass's submissions."""

    def __init__(self) -> None:
        """Start closed: submissions go on."""
        self.account_error: str | None = None
        """Why the provider refuses our account, once that is certain."""
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
            return
        self._refused_by_text[task_id] = user_id
        tasks, customers = len(self._refused_by_text), len(set(self._refused_by_text.values()))
        if answer.by_status or (tasks >= TEXT_REFUSAL_TASKS and customers >= TEXT_REFUSAL_CUSTOMERS):
            self.account_error = self.account_error or answer.told
