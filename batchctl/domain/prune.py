"""What finished history may go, and from when on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from batchctl.domain.problem import UsageProblem

YOUNGEST = timedelta(days=7)
"""What is younger is still asked about, resent, and compared with the period before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """Rows that are old enough, by table."""

    runs: int
    deliveries: int
    attempts: int
    """Tries of those deliveries."""
    late_results: int

    @property
    def total(self) -> int:
        """All of them, but for the tries, which go with their deliveries."""
        return self.runs + self.deliveries + self.late_results


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What was deleted, or would be."""

    schema: str = "batchctl/prune/1"
    dry_run: bool
    before: datetime
    runs: int
    deliveries: int
    attempts: int
    late_results: int


def need_old(before: datetime, now: datetime) -> None:
    """Raise UsageProblem when that instant is too near for anything to be deleted that is older."""
    if before > now - YOUNGEST:
        raise UsageProblem(f"--older-than must be at least {YOUNGEST.days}d: what is younger is still needed")
