"""A contestant's process: `python -m bench.contestants MODULE`, with the assignment as the first line of its input."""

import asyncio
import sys
from contextlib import suppress
from importlib import import_module
from inspect import iscoroutinefunction

from bench.stage import Stage
from bench.work import Assignment


def main() -> None:
    """Read the assignment and perform; on uvloop where that is installed, as pgqueuer and oban do themselves."""
    perform = import_module(f"bench.contestants.{sys.argv[1]}").perform
    assignment = Assignment.load(sys.stdin.readline())
    if not iscoroutinefunction(perform):
        perform(assignment, Stage())
        return
    with suppress(ImportError):
        asyncio.set_event_loop_policy(import_module("uvloop").EventLoopPolicy())
    asyncio.run(perform(assignment, Stage()))


main()
