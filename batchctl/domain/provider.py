"""What a provider can be asked, and every answer it may give.

A provider here is a pure translator: it turns a task into a `Request` and an `Outcome` into an answer. Who carries the
request is the business of `wire.Http`. The unions are closed: adding an answer makes the type checker list every place
that has to decide about it.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from batchctl.domain.failure import FailureType
from batchctl.domain.wire import Outcome, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What the provider has to know of a task to be sent."""

    task_id: str
    model: str | None
    prompt: str | None
    reference_url: str | None
    aspect_ratio: str | None
    duration: int | None
    size: str | None
    meta: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the task under this id."""

    remote_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The provider refuses this task for good."""

    failure_type: FailureType
    error: str
    reason: str | None = None
    """The provider's own word for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """The provider surely did not accept the task; try later."""

    blocked_by: FailureType
    """The failure type if the task never gets through: `network`, or `model_error` for answers 500, 502, 503."""
    error: str
    counted: bool
    """True for answers 500, 502 and 503: they count towards BATCH_MAX_SUBMIT_ATTEMPTS."""
    retry_after_s: float | None = None
    connected: bool = True
    """False when no connection came about (refused, DNS, TLS, connect timeout)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRefused:
    """The provider refuses us, not the task: the key, the rights or the balance."""

    error: str
    by_status: bool
    """True when the HTTP status says so (401, 402, 403): stop at once. False when only the text does."""
    retry_after_s: float | None = None
    told: str = field(default="the provider's words are with the task", compare=False)
    """What an operator is told on stderr: the status and the words that gave it away; `error` may quote a prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The task may or may not have been accepted: BATCH_ORPHAN_POLICY decides."""

    failure_type: FailureType
    """`timeout` or `network`."""
    error: str


SubmitAnswer = Accepted | Refused | Deferred | AccountRefused | OutcomeUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Not finished (also: a status word that we do not know)."""

    progress: int | None
    """0..100, or None when the provider does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Finished; `video_url` is None when the provider says so without giving a usable link."""

    video_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The provider says that the task failed."""

    failure_type: FailureType
    error: str
    reason: str | None = None
    """The provider's own word for it (`failure_reason`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchTask:
    """Code -22: the provider does not know the id (yet); final only after a grace (contract §4)."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """No answer about the task: a transport error, a status of 400 or more, something unreadable, a rate limit."""

    error: str
    connected: bool = True
    """False when no connection came about (refused, DNS, TLS, connect timeout)."""
    account_refused: bool = False
    """True when the HTTP status says that it is us whom the provider refuses (401, 402, 403)."""


PollAnswer = Running | Succeeded | Failed | NoSuchTask | Transient


class Provider(Protocol):
    """One remote provider: four pure translations."""

    @property
    def host(self) -> str:
        """The base URL to which new tasks are sent; stored with each task as `provider_host`."""
        ...

    @property
    def calls_back(self) -> bool:
        """Whether submissions carry an address at which the provider reports the result."""
        ...

    def submission(self, key: int, task: Submission) -> Request:
        """Build the request that submits a task."""
        ...

    def read_submission(self, outcome: Outcome) -> SubmitAnswer:
        """Say what became of a submission (contract §4, the table of outcomes)."""
        ...

    def question(self, key: int, host: str, remote_id: str) -> Request:
        """Build the request that asks for a task's result, at the host where it was submitted."""
        ...

    def read_result(self, remote_id: str, outcome: Outcome) -> PollAnswer:
        """Say what the provider answered about a task; an answer about another id is transient."""
        ...
