"""How much a pass may do and how long things may take: the settings that decisions need, as plain values."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LEASE_SLACK = timedelta(seconds=2)
"""What is claimed for a request is left to its worker so much longer than the request may take (contract §3)."""


class OrphanPolicy(StrEnum):
    """What becomes of a task whose submission may or may not have been accepted (BATCH_ORPHAN_POLICY)."""

    FAIL = "fail"
    RESUBMIT = "resubmit"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The defaults are those of the contract (§3) and of the mission."""

    max_claim: int = 5
    """BATCH_WORKER_MAX_CLAIM: batches claimed in a pass."""
    max_start_per_batch: int = 10
    """BATCH_WORKER_MAX_START_TASKS_PER_BATCH: tasks of one batch in flight at once."""
    max_poll: int = 25
    """BATCH_WORKER_MAX_POLL: tasks polled in a pass."""
    max_settle: int = 10
    """BATCH_WORKER_MAX_SETTLE: batches settled in a pass."""
    max_poll_count: int = 20
    """BATCH_MAX_POLL_COUNT: answered polls of a task."""
    max_submit_attempts: int = 3
    """BATCH_MAX_SUBMIT_ATTEMPTS: answers 500, 502, 503 to the submissions of a task."""
    max_in_flight: int = 0
    """BATCH_MAX_IN_FLIGHT: tasks at the provider over the whole database; 0 = no limit."""
    claim_timeout: timedelta = timedelta(seconds=300)
    """BATCH_CLAIM_TIMEOUT_SECONDS: a task claimed for sending that long ago without an id is an orphan."""
    orphan_policy: OrphanPolicy = OrphanPolicy.FAIL
    """BATCH_ORPHAN_POLICY."""
    orphan_hold: timedelta = timedelta(seconds=1200)
    """BATCH_ORPHAN_HOLD_SECONDS: how long a callback may still bring the answer to an unknown submission."""
    task_deadline: timedelta = timedelta(seconds=7200)
    """BATCH_TASK_DEADLINE_SECONDS: from the first attempt to submit a task."""
    poll_waits_s: tuple[float, float, float] = (5.0, 15.0, 30.0)
    """BATCH_POLL_BACKOFF_SECONDS."""
    incomplete_timeout: timedelta = timedelta(seconds=600)
    """BATCH_INCOMPLETE_TIMEOUT_SECONDS: how long a queued batch may miss tasks."""
    provider_timeout_ms: int = 60_000
    """GRSAI_TIMEOUT_MS: the deadline of one request to the provider."""
    webhook_timeout_ms: int = 5_000
    """ENTERPRISE_WEBHOOK_TIMEOUT_MS: the deadline of one webhook try."""
    webhook_quick_retries: int = 3
    """ENTERPRISE_WEBHOOK_RETRIES."""
    webhook_slow_retries: int = 8
    """ENTERPRISE_WEBHOOK_SLOW_RETRIES."""
