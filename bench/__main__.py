"""`python -m bench`: run the contest, in rounds, and print, draw and keep what came of it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from batchctl.wiring import local_clock
from bench.contest import CONTESTANTS, Contestant
from bench.figures import keep, load_runs, summarize
from bench.plot import draw
from bench.run import FailedRunError, Result, run
from bench.server import running
from bench.shop import BrokenBooksError
from bench.table import render
from bench.work import Work

CORES = 2
RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the contest; 1 when a contestant failed or its books were wrong."""
    options = _parse(arguments)
    if options.show:
        return _publish(load_runs(options.show), options.show)
    work = Work(batches=options.batches, tasks=options.tasks, places=options.places, latency_ms=options.latency_ms)
    contestants = [one for one in CONTESTANTS if one.python.exists() and _is_wanted(one, options.only)]
    missing = [one.title for one in CONTESTANTS if not one.python.exists() and _is_wanted(one, options.only)]
    if missing:
        print(f"not installed: {'; '.join(missing)}", file=sys.stderr)
    if len(os.sched_getaffinity(0)) > CORES:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    results, loads, failures = _compete(contestants, work, options.rounds)
    path = options.out or RESULTS / f"{local_clock():%Y-%m-%d-%H%M}.json"
    keep(path, work, loads, results)
    _publish(results, path)
    if max(loads, default=0) > CORES:
        print(f"\nOther programs were busy (load {max(loads):.1f}): trust ratios of CPU, not of time.")
    return int(failures > 0)


def _compete(contestants: Sequence[Contestant], work: Work, rounds: int) -> tuple[list[Result], list[float], int]:
    """Let everybody run once a round, in an order that moves on from round to round."""
    results: list[Result] = []
    loads: list[float] = []
    failures = 0
    with running() as server:
        for number in range(rounds):
            loads.append(os.getloadavg()[0])
            for contestant in (*contestants[number:], *contestants[:number]):
                try:
                    results.append(run(contestant, work, server))
                except (FailedRunError, BrokenBooksError) as error:
                    failures += 1
                    print(f"{contestant.title}: {error}", file=sys.stderr)
                else:
                    print(
                        f"round {number + 1}: {contestant.title}: {results[-1].tasks_per_s:.0f} tasks/s",
                        file=sys.stderr,
                    )
    return results, loads, failures


def _publish(results: Sequence[Result], path: Path) -> int:
    summaries = summarize(results)
    print(render(summaries))
    if summaries:
        path.with_suffix(".svg").write_text(draw(summaries))
    return 0


def _is_wanted(contestant: Contestant, only: Sequence[str]) -> bool:
    return not only or any(word in contestant.title for word in only)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    default = Work()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=default.batches)
    parser.add_argument("--tasks", type=int, default=default.tasks, help="of each batch")
    parser.add_argument("--places", type=int, default=default.places, help="requests in flight at most")
    parser.add_argument("--latency-ms", type=int, default=default.latency_ms, help="of the provider")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="contestants with it in their title"
    )
    parser.add_argument("--out", type=Path, help="where the runs are kept (JSON); the plot goes beside it")
    parser.add_argument("--show", type=Path, help="print and draw what a file holds, and run nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
