"""How long each part of a batch's way took: the lines that the database gives, and the report made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

EDGES_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 7200.0)
"""Where one bin of the histograms ends and the next begins; the last one has no end."""


class Part(StrEnum):
    """A part of the way, in the order in which it is gone."""

    START = "start"
    """From a batch's arrival to the first try to send a task."""
    FINISH = "finish"
    """From there to the task's verdict."""
    SETTLE = "settle"
    """From a batch's last verdict to its settlement."""
    TELL = "tell"
    """From a batch's end to the first 2xx of its customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyLine:
    """What the database says of a part: of all of it, or of one bin."""

    part: Part
    bin: int | None
    """0 is below the first edge; None: all of the part."""
    count: int
    open_count: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    longest_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many took so long."""

    below_s: float | None
    """Itself left out; None: as long as it takes."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLatency:
    """How long a part took, in seconds; None where nothing is measured."""

    part: Part
    count: int
    open_count: int
    """Has not come to its end yet, and is in no other number: batches whose customer has not taken the event."""
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    longest_s: float | None
    histogram: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """The parts of the way of what ended in a window."""

    schema: str = "batchctl/stats.latency/1"
    since: datetime
    until: datetime
    user_id: UUID | None
    model: str | None
    parts: tuple[PartLatency, ...]


def tell_parts(lines: Iterable[LatencyLine]) -> tuple[PartLatency, ...]:
    """Make the parts of the report, in order, those without any measurement too."""
    by_part: dict[Part, dict[int | None, LatencyLine]] = {part: {} for part in Part}
    for line in lines:
        by_part[line.part][line.bin] = line
    return tuple(_tell(part, of_part) for part, of_part in by_part.items())


def _tell(part: Part, lines: dict[int | None, LatencyLine]) -> PartLatency:
    whole = lines.get(None)
    return PartLatency(
        part=part,
        count=whole.count if whole else 0,
        open_count=whole.open_count if whole else 0,
        p50_s=whole.p50_s if whole else None,
        p95_s=whole.p95_s if whole else None,
        p99_s=whole.p99_s if whole else None,
        longest_s=whole.longest_s if whole else None,
        histogram=tuple(
            Bin(below_s=below_s, count=lines[number].count if number in lines else 0)
            for number, below_s in enumerate((*EDGES_S, None))
        ),
    )
