"""What machines watch: how work, money and deliveries stand, and what the last hour brought."""

from dataclasses import dataclass
from datetime import datetime

from batchctl.domain.backlog import Backlog
from batchctl.domain.batch import BatchStatus
from batchctl.domain.pause import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatches:
    """Batches that have not ended, by what they wait for."""

    next_step: str
    batches: int
    tasks_pending: int
    tasks_in_flight: int
    tasks_succeeded: int
    tasks_failed: int
    frozen_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTasks:
    """Tasks that ended lately."""

    status: str
    failure_type: str | None
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedBatches:
    """Batches that ended lately, their money, and whether their customers were told."""

    status: BatchStatus
    webhook_status: str | None
    batches: int
    credits_spent: int
    credits_refunded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDeliveries:
    """Events that are neither delivered nor given up."""

    state: str
    """pending, retrying, or set_aside while their endpoint is disabled."""
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the database says, all of it at one moment."""

    now: datetime
    backlog: Backlog
    open_batches: tuple[OpenBatches, ...]
    open_deliveries: tuple[OpenDeliveries, ...]
    ended_tasks: tuple[EndedTasks, ...]
    ended_batches: tuple[EndedBatches, ...]
    paused: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassMetrics:
    """What the process knows of its last pass; instants are seconds since the epoch by this machine's clock."""

    ended_at_s: float
    succeeded_at_s: float | None
    exit_code: int
    duration_s: float
