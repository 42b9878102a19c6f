"""Everything real that a use case needs, handed in from outside; and how long it may take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from batchctl.db import Database
from batchctl.domain.clock import Clock, Sleep
from batchctl.domain.limits import Limits
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.provider import Provider
from batchctl.domain.vault import Vault
from batchctl.domain.webhook import CourierPort
from batchctl.domain.wire import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The outside of the program; tests build their own."""

    db: Database
    clock: Clock
    patient_clock: Clock
    """The same clock, which waits for a database that is away: for the time of answers that only we know."""
    sleep: Sleep
    random: Random
    limits: Limits
    provider: Provider | None
    """None when GRSAI_API_KEY is not set: nothing that needs the provider runs then."""
    provider_http: Http
    courier: CourierPort
    webhook_http: Http
    vault: Vault
    signs_by_default: bool
    """Whether a delivery without a secret of its own may go out: a default secret is set, or unsigned is allowed."""

    def need_provider(self) -> Provider:
        """Return the provider; ConfigProblem when there is no key for it."""
        if self.provider is None:
            message = "GRSAI_API_KEY is not set: nothing is claimed, submitted or polled; settle and webhook still run"
            raise ConfigProblem(message)
        return self.provider

    def new_id(self) -> UUID:
        """Make a random id."""
        return UUID(int=self.random.getrandbits(128), version=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One pass: when it started by the database's clock, and when it takes no new work any more."""

    started_at: datetime
    ends_at_s: float | None = None
    """On the monotonic clock; None: no deadline."""
    stopping: Callable[[], bool] = lambda: False
    """Says whether the process was asked to stop."""
    poll_gap: timedelta = timedelta(0)
    """A task asked for less than this ago is left alone; within one pass it is asked once anyway."""
    pass_id: UUID = field(default_factory=uuid4)
    """Joins the lines of the log and the row of `runs`; nothing is decided by it."""

    def left_s(self) -> float:
        """Return the seconds that are left, infinite without a deadline."""
        return float("inf") if self.ends_at_s is None else self.ends_at_s - time.monotonic()

    def is_spent(self) -> bool:
        """Say whether new work must not be taken."""
        return self.stopping() or self.left_s() <= 0

    def part(self, share: float) -> "Budget":
        """Return a budget that ends after `share` (0..1) of what is left, so that no stage eats the next one's time."""
        if self.ends_at_s is None:
            return self
        return replace(self, ends_at_s=self.ends_at_s - self.left_s() * (1 - share))


def start_pass(
    world: World,
    deadline_s: float | None,
    stopping: Callable[[], bool] = lambda: False,
    *,
    poll_gap: timedelta = timedelta(0),
) -> Budget:
    """Begin a pass that takes new work for `deadline_s` seconds, or without a limit."""
    ends_at_s = None if deadline_s is None else time.monotonic() + deadline_s
    return Budget(started_at=world.clock(), ends_at_s=ends_at_s, stopping=stopping, poll_gap=poll_gap)
