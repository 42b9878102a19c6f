"""The brake: stages of a pass that an operator stops, and what is told of them."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a pass, in their order."""

    DISPATCH = "dispatch"
    POLL = "poll"
    SETTLE = "settle"
    WEBHOOK = "webhook"


class Standing(StrEnum):
    """Whether a stage takes new work."""

    WORKING = "working"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A stage that takes no new work, in no pass on any machine, until somebody lets it go on."""

    stage: Stage
    paused_at: datetime
    os_user: str
    host: str
    reason: str

    @property
    def by(self) -> str:
        """Name who stopped it."""
        return f"{self.os_user}@{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """How a stage stands; what is None is not paused."""

    stage: Stage
    state: Standing
    changed: bool
    """Whether it was not so before, or in a rehearsal, whether it would be so no longer."""
    paused_at: datetime | None = None
    os_user: str | None = None
    host: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeReport:
    """How all stages stand after some were paused or let go on."""

    schema: str
    dry_run: bool
    stages: tuple[StageLine, ...]
    """All of them."""

    @property
    def changed(self) -> tuple[Stage, ...]:
        """Return the stages that were changed, or would be."""
        return tuple(line.stage for line in self.stages if line.changed)


def lines(pauses: Iterable[Pause], changed: AbstractSet[Stage]) -> tuple[StageLine, ...]:
    """Say of each stage how it stands, in the order of a pass."""
    paused = {pause.stage: pause for pause in pauses}
    return tuple(_line(stage, paused.get(stage), changed=stage in changed) for stage in Stage)


def _line(stage: Stage, pause: Pause | None, *, changed: bool) -> StageLine:
    if pause is None:
        return StageLine(stage=stage, state=Standing.WORKING, changed=changed)
    return StageLine(
        stage=stage,
        state=Standing.PAUSED,
        changed=changed,
        paused_at=pause.paused_at,
        os_user=pause.os_user,
        host=pause.host,
        reason=pause.reason,
    )
