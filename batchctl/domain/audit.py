"""The audit: rules that hold whatever happens, each a query that finds whoever breaks it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from batchctl.domain.adoption import Adoption
from batchctl.domain.problem import UsageProblem

SCHEMA = "batchctl/audit/1"
"""Names the form of the JSON documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule: the name of its query, which begins with a code like m2, and the sentence that it guards."""

    name: str
    guards: str

    @property
    def code(self) -> str:
        """Return the short name: m for money, s for states, l for liveness, w for webhooks, and a number."""
        return self.name.partition("_")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckList:
    """Which checks there are."""

    schema: str = SCHEMA
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an audit looks at, and what it must know for that."""

    since: datetime | None
    """Leave out batches that ended before, and customers whose credits have not moved since; None: look at all."""
    old_before: datetime
    """Rows made before are exempt from what the original worker did not heed; see `old_before`."""
    now: datetime
    max_poll_count: int
    """BATCH_MAX_POLL_COUNT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """A row that breaks a rule: what it is (batch, task, customer, …), which one, and what is wrong with it."""

    kind: str
    id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found."""

    name: str
    guards: str
    found: int
    """How many rows break the rule."""
    duration_ms: int
    first_offenders: tuple[Offender, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found, all of it at one moment."""

    schema: str = SCHEMA
    since: datetime | None
    adoption: Adoption | None
    """Of a database that was the original worker's; its old rows are exempt from some rules."""
    found: int
    duration_ms: int
    checks: tuple[CheckResult, ...]

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """Return the checks that found something."""
        return tuple(check for check in self.checks if check.found)


def old_before(adoption: Adoption | None) -> datetime:
    """Return the instant before which rows may be the original worker's, which heeded fewer rules.

    In a database of our own no row is; in an adopted one all may be until that worker is gone, and the guards refuse.
    """
    if adoption is None:
        return datetime.min.replace(tzinfo=UTC)
    return adoption.applied_at or datetime.max.replace(tzinfo=UTC)


def choose(checks: Sequence[Check], written: Iterable[str]) -> list[Check]:
    """Return the checks that are meant by name or code, in their own order; UsageProblem for one that is not there."""
    wanted = [text.strip().lower() for text in written]
    known = {name for check in checks for name in (check.name, check.code)}
    for text in wanted:
        if text not in known:
            message = f"there is no check {text[:40]!r}: `batchctl audit --list` shows which there are"
            raise UsageProblem(message)
    return [check for check in checks if check.name in wanted or check.code in wanted]
