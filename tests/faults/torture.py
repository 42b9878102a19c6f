"""The long run: trials of every kind, one seed after another, and a table of what came of them.

    python -m tests.faults.torture --trials 100 --seed 1
    python -m tests.faults.torture --only "kill at a point" --seed 17    # repeats one trial

A kind of trial is registered by adding its module to MODULES; the module offers `KINDS`.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module

import psycopg
from psycopg.conninfo import conninfo_to_dict

from batchctl.embedded import FORGETFUL, serve
from tests.conftest import migrate_for_tests, scratch_directory
from tests.faults.ground import Ground
from tests.faults.trial import Trial
from tests.faults.workers import Nursery

MODULES = ("kills", "outages", "cuts", "provider_trials", "receiver_trials", "address_trials", "histories")
TEMPLATE = "batchctl_test_torture"


@dataclass(slots=True)
class Tally:
    """What the trials of a kind came to."""

    trials: int = 0
    blows: int = 0
    """How often a fault struck."""
    failed: list[int] = field(default_factory=list[int])
    """The seeds of the trials that failed."""
    seconds: float = 0.0


def main() -> int:
    """Run what the arguments ask for; 1 when a trial failed."""
    kinds = all_kinds()
    asked = _arguments(sorted(kinds))
    chosen = {asked.only: kinds[asked.only]} if asked.only else kinds
    trials = 1 if asked.only and asked.trials is None else asked.trials or 10
    tallies = {kind: Tally() for kind in chosen}
    with suppress(KeyboardInterrupt), ground() as place:  # Ctrl-C ends the run, and shows what it came to so far.
        for seed in range(asked.seed, asked.seed + trials):
            for kind, trial in chosen.items():
                run(place, kind, trial, seed, tallies[kind])
    print(table(tallies))  # noqa: T201 - the result of the run
    return 1 if any(tally.failed for tally in tallies.values()) else 0


def all_kinds() -> dict[str, Trial]:
    """Return every kind of trial by its name."""
    return {kind: trial for name in MODULES for kind, trial in import_module(f"tests.faults.{name}").KINDS.items()}


def run(place: Ground, kind: str, trial: Trial, seed: int, tally: Tally) -> None:
    """Run one trial; a failure is told at once, with how to repeat it."""
    began_s = time.monotonic()
    tally.trials += 1
    try:
        struck = trial(place, seed)
        tally.blows += 1 if struck is None else struck
    except Exception:  # noqa: BLE001 - whatever went wrong, the other trials go on
        tally.failed.append(seed)
        repeat = f'python -m tests.faults.torture --only "{kind}" --seed {seed}'
        print(f"{traceback.format_exc()}\n{kind}, seed {seed}, failed; {repeat}", file=sys.stderr, flush=True)  # noqa: T201 - for who watches the run
    tally.seconds += time.monotonic() - began_s


@contextmanager
def ground() -> Iterator[Ground]:
    """Give ground on a server that is thrown away."""
    with scratch_directory() as scratch, serve(scratch / "server", settings=FORGETFUL) as dsn:
        said = scratch / "said"
        said.mkdir()
        with psycopg.connect(dsn, autocommit=True) as admin, Nursery(said) as nursery:
            admin.execute(f"create database {TEMPLATE}".encode())
            migrate_for_tests(**(conninfo_to_dict(dsn) | {"dbname": TEMPLATE}))
            yield Ground.on(admin, TEMPLATE, nursery)


def table(tallies: dict[str, Tally]) -> str:
    """Return the table of the run."""
    rows: list[tuple[str, ...]] = [("fault", "trials", "blows", "failed", "seconds", "seeds of failures")]
    for kind, tally in tallies.items():
        numbers = (tally.trials, tally.blows, len(tally.failed), round(tally.seconds))
        rows.append((kind, *map(str, numbers), " ".join(map(str, tally.failed))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _arguments(kinds: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.torture", description="Run trials of every fault.")
    parser.add_argument("--trials", type=int, help="trials of each kind (default 10; with --only 1)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--only", choices=kinds, metavar="KIND", help=f"one of: {', '.join(kinds)}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
