"""Many runs become a table, a plot and a file."""

from pathlib import Path

from bench.figures import goals, keep, load_runs, summarize
from bench.plot import draw
from bench.run import Result
from bench.table import render
from bench.work import Work


def result(contestant: str, tasks_per_s: float, postgres_cpu_s: float | None = None) -> Result:
    """Make the result of a run that cost so much."""
    return Result(
        contestant=contestant,
        seconds=1.0,
        tasks_per_s=tasks_per_s,
        worker_cpu_s_per_1000=1.0,
        worker_rss_mib=40.0,
        provider_cpu_s_per_1000=0.1,
        most_in_flight=1,
        postgres_cpu_s_per_1000=postgres_cpu_s,
        wal_bytes_per_task=1900.0 if postgres_cpu_s else None,
        top_statements=(("select 1", 2, 3.0, 4, 5),),
    )


RUNS = (
    *(result("batchctl, httpx", speed, 0.2) for speed in (400, 100, 300)),
    *(result("pgqueuer, aiohttp", speed, 1.0) for speed in (900, 1000, 1100)),
    *(result("pgqueuer, httpx", speed, 1.0) for speed in (100, 120, 200)),
    result("bare loop, httpx", 500),
)


def test_medians_and_ranges_are_taken_over_the_rounds() -> None:
    """The middle of three rounds counts; the fastest comes first; who has no database has no figures of one."""
    summaries = summarize(RUNS)
    assert [one.title for one in summaries] == [
        "pgqueuer, aiohttp",
        "bare loop, httpx",
        "batchctl, httpx",
        "pgqueuer, httpx",
    ]
    assert list(summaries[2].figures["tasks_per_s"]) == [300, 100, 400]
    assert "wal_bytes_per_task" not in summaries[1].figures


def test_goals_are_ratios_of_one_contest() -> None:
    """Each goal compares with the right rival: httpx with httpx, the database with the best peer of all."""
    reached = {goal.what: (round(goal.reached, 2), goal.is_met) for goal in goals(summarize(RUNS))}
    assert reached == {
        "httpx: throughput over the best peer on httpx": (2.5, True),
        "httpx: throughput over bare httpx in threads": (0.6, False),
        "httpx: PostgreSQL's CPU per task over the best peer's": (0.2, True),
        "httpx: WAL bytes per task": (1900.0, True),
    }


def test_the_table_shows_ratios_beside_figures() -> None:
    """A row holds the ratio to the best peer, median and range; what is missing is an empty cell."""
    lines = render(summarize(RUNS)).splitlines()
    ours = next(line for line in lines if "batchctl, httpx" in line)
    assert "| 0.30 " in ours
    assert "300 (100…400)" in ours
    assert "The best peer of this run: pgqueuer, aiohttp." in lines


def test_the_plot_has_a_bar_for_everybody() -> None:
    """Names are in the picture, and whatever they hold cannot break it."""
    picture = draw(summarize([*RUNS, result("<odd> & co, x", 1)]))
    assert picture.count("<rect") == 1 + 5
    assert "&lt;odd&gt; &amp; co" in picture


def test_runs_are_kept_and_read_again(tmp_path: Path) -> None:
    """What was measured comes back from its file as it was."""
    path = tmp_path / "results/one.json"
    keep(path, Work(), [0.5], RUNS)
    assert tuple(load_runs(path)) == RUNS
