"""The figures of many runs: medians and ranges, ratios, the goals, and where they are kept."""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.contest import BARE, OURS
from bench.run import Result
from bench.work import Work

FIGURES = (
    "tasks_per_s",
    "worker_cpu_s_per_1000",
    "postgres_cpu_s_per_1000",
    "wal_bytes_per_task",
    "statements_per_task",
    "commits_per_task",
    "worker_rss_mib",
)
"""What the table shows, by the names of `Result`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A contestant's figures over all rounds; each is median, lowest, highest. Those it does not have are absent."""

    name: str
    client: str
    figures: Mapping[str, tuple[float, float, float]]

    @property
    def title(self) -> str:
        """Name and client."""
        return f"{self.name}, {self.client}"

    def median(self, figure: str) -> float | None:
        """Return the median of a figure, if the contestant has it."""
        return self.figures[figure][0] if figure in self.figures else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A ratio that batchctl is to reach."""

    what: str
    reached: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Say whether it is reached."""
        return (self.at_least is None or self.reached >= self.at_least) and (
            self.at_most is None or self.reached <= self.at_most
        )


def summarize(results: Iterable[Result]) -> list[Summary]:
    """Bring the runs of each contestant together, the fastest first."""
    runs: dict[str, list[Result]] = {}
    for result in results:
        runs.setdefault(result.contestant, []).append(result)
    summaries = [_summary(title, group) for title, group in runs.items()]
    return sorted(summaries, key=lambda one: -(one.median("tasks_per_s") or 0.0))


def _summary(title: str, group: Sequence[Result]) -> Summary:
    name, _, client = title.partition(", ")
    figures: dict[str, tuple[float, float, float]] = {}
    for figure in FIGURES:
        values = [value for value in (getattr(result, figure) for result in group) if value is not None]
        if values:
            figures[figure] = (median(values), min(values), max(values))
    return Summary(name=name, client=client, figures=figures)


def best_peer(summaries: Iterable[Summary], client: str | None = None) -> Summary | None:
    """Return the fastest contestant that is neither ours nor a bare loop, with any client or with this one."""
    peers = [one for one in summaries if one.name not in {OURS, BARE} and client in {None, one.client}]
    return max(peers, key=lambda one: one.median("tasks_per_s") or 0.0, default=None)


def goals(summaries: Sequence[Summary]) -> list[Goal]:
    """Hold batchctl against its goals, as far as who is needed took part."""
    ours = {one.client: one for one in summaries if one.name == OURS}
    bare = {one.client: one for one in summaries if one.name == BARE}
    peer = best_peer(summaries)
    found: list[Goal | None] = []
    plain = ours.get("httpx")
    found += [
        _at_least("httpx: throughput over the best peer on httpx", plain, best_peer(summaries, "httpx"), 1.8),
        _at_least("httpx: throughput over bare httpx in threads", plain, bare.get("httpx"), 0.75),
    ]
    for client, fast in ours.items():
        if client != "httpx":
            found += [
                _at_least(f"{client}: throughput over the best peer", fast, peer, 4.0),
                _at_least(f"{client}: throughput over the bare loop", fast, bare.get(client), 0.5),
            ]
    for client, one in ours.items():
        found += [
            _at_most(
                f"{client}: PostgreSQL's CPU per task over the best peer's", "postgres_cpu_s_per_1000", one, peer, 0.2
            ),
            _absolute(f"{client}: WAL bytes per task", "wal_bytes_per_task", one, 2000),
            _absolute(f"{client}: statements per task", "statements_per_task", one, 0.1),
        ]
    return [goal for goal in found if goal is not None]


def _at_least(what: str, ours: Summary | None, other: Summary | None, ratio: float) -> Goal | None:
    reached = _ratio("tasks_per_s", ours, other)
    return None if reached is None else Goal(what=what, reached=reached, at_least=ratio)


def _at_most(what: str, figure: str, ours: Summary | None, other: Summary | None, ratio: float) -> Goal | None:
    reached = _ratio(figure, ours, other)
    return None if reached is None else Goal(what=what, reached=reached, at_most=ratio)


def _absolute(what: str, figure: str, ours: Summary, limit: float) -> Goal | None:
    reached = ours.median(figure)
    return None if reached is None else Goal(what=what, reached=reached, at_most=limit)


def _ratio(figure: str, ours: Summary | None, other: Summary | None) -> float | None:
    mine = ours.median(figure) if ours else None
    theirs = other.median(figure) if other else None
    return mine / theirs if mine is not None and theirs else None


def keep(path: Path, work: Work, load: Sequence[float], results: Sequence[Result]) -> None:
    """Write all runs of an evening to a file, with what is needed to judge them."""
    document: dict[str, Any] = {
        "work": asdict(work),
        "machine": {"python": platform.python_version(), "system": platform.platform(), "load_before_rounds": load},
        "goals": [asdict(goal) | {"is_met": goal.is_met} for goal in goals(summarize(results))],
        "runs": [asdict(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def load_runs(path: Path) -> list[Result]:
    """Read the runs of a file that `keep` wrote."""
    runs = json.loads(path.read_text())["runs"]
    return [Result(**run | {"top_statements": tuple(tuple(row) for row in run["top_statements"])}) for run in runs]
