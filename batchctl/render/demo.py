"""The demonstration as it is told: a line or more a step, steps that did the same told once."""

import textwrap
from collections.abc import Callable

from batchctl.render import words
from batchctl.service.demo import DemoReport, Step

WIDTH = 78
_LEFT = 24
KILLED = "killed in the middle of the settlement, before its commit: nothing was charged, given back or told"


class Telling:
    """Tells step after step; passes that did the same as the one before are told together."""

    def __init__(self, write: Callable[[str], None], *, first_number: int) -> None:
        """Start counting at `first_number`."""
        self._write = write
        self._next = first_number
        self._first = first_number
        self._told = ""
        self._moved_s: float = 0.0

    def show(self, step: Step) -> None:
        """Take note of a step, and tell those before it if they did something else."""
        if (told := _told(step)) != self._told or step.moved_s != self._moved_s:
            self.close()
            self._first, self._told, self._moved_s = self._next, told, step.moved_s
        self._next += 1

    def close(self) -> None:
        """Tell what was not told yet."""
        if not self._told:
            return
        last = self._next - 1
        numbers = str(last) if last == self._first else f"{self._first}-{last}"
        moved = f"+{self._moved_s:.0f} s" if self._moved_s else ""
        lines = self._told.split("\n")
        self._write(f"{numbers:>5}  {moved:<7}{lines[0]}")
        for line in lines[1:]:
            self._write(f"{'':14}{line}")
        self._told = ""


def step(number: int, name: str, what: str) -> str:
    """Write a step that is no pass."""
    return f"{number:>5}  {'':7}{name:<10}{what}"


def sums(report: DemoReport) -> list[str]:
    """Say how the books add up."""
    frozen = sum(batch.frozen_credits for batch in report.batches)
    return [
        f"frozen     {frozen} credits = {report.spent} charged + {report.refunded} given back",
        f"credits    {report.granted} granted = {report.spent} charged + {report.held} in the wallet",
        f"ledger     sums up to {report.balance.ledger_credits}, as the wallet has it",
        f"settled    {len(report.batches)} of {len(report.batches)} exactly once, after {report.kills} kill",
    ]


def _told(step: Step) -> str:
    if step.report is None:
        return _wrapped("kill -9", KILLED)
    told = [_wrapped(stage, did) for stage, did in words.stages(step.report) if did != words.NOTHING]
    return "\n".join(told or [_wrapped("", words.NOTHING)])


def _wrapped(name: str, text: str) -> str:
    lines = textwrap.wrap(text, WIDTH - _LEFT)
    return "\n".join([f"{name:<10}{lines[0]}", *(f"{'':10}{line}" for line in lines[1:])])
