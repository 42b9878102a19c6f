"""The table: ratios to the best peer first, absolute figures beside them."""

from collections.abc import Sequence

from bench.figures import Goal, Summary, best_peer, goals

_HEADINGS = (
    "contestant",
    "× best peer",
    "tasks/s (range)",
    "worker CPU s/1000",
    "PG CPU s/1000",
    "PG CPU ÷ peer's",
    "WAL B/task",
    "stmts/task",
    "commits/task",
    "RSS MiB",
)


def render(summaries: Sequence[Summary]) -> str:
    """Return the table, and below it how the goals stand, as Markdown."""
    peer = best_peer(summaries)
    rows = [_HEADINGS, tuple("---" for _ in _HEADINGS), *(_row(one, peer) for one in summaries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    against = "" if peer is None else f"\nThe best peer of this run: {peer.title}.\n"
    told = "\n".join(map(_told, goals(summaries)))
    return "\n".join(lines) + f"\n{against}\n{told}"


def _row(one: Summary, peer: Summary | None) -> tuple[str, ...]:
    tasks, low, high = one.figures["tasks_per_s"]
    return (
        one.title,
        _ratio(one, peer, "tasks_per_s"),
        f"{tasks:.0f} ({low:.0f}…{high:.0f})",
        _number(one, "worker_cpu_s_per_1000", 2),
        _number(one, "postgres_cpu_s_per_1000", 3),
        _ratio(one, peer, "postgres_cpu_s_per_1000"),
        _number(one, "wal_bytes_per_task", 0),
        _number(one, "statements_per_task", 3),
        _number(one, "commits_per_task", 3),
        _number(one, "worker_rss_mib", 0),
    )


def _ratio(one: Summary, peer: Summary | None, figure: str) -> str:
    mine, theirs = one.median(figure), peer.median(figure) if peer else None
    return "" if mine is None or not theirs else f"{mine / theirs:.2f}"


def _number(one: Summary, figure: str, digits: int) -> str:
    value = one.median(figure)
    return "" if value is None else f"{value:.{digits}f}"


def _told(goal: Goal) -> str:
    bound = f"at least {goal.at_least:g}" if goal.at_least is not None else f"at most {goal.at_most:g}"
    return f"{'met   ' if goal.is_met else 'missed'}  {goal.reached:8.2f}  ({bound})  {goal.what}"
