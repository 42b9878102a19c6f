"""Tells passes on stderr, as lines for people or as JSON: what each stage did, and what an operator must see to."""

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING

from batchctl.cli import output
from batchctl.domain.clock import Clock
from batchctl.domain.problem import Problem

if TYPE_CHECKING:
    from uuid import UUID

    from batchctl.domain.report import Finding, PassReport
    from batchctl.service.run_for import Passed

REMIND_S = 600.0
"""A finding that stays is told again after so long, and not in each pass."""
_NUMBER = re.compile(r"(?<![\w-])\d+(?![\w-])")
"""A number that may differ from pass to pass; not a part of an id."""


LONGEST = 5000
"""Characters of a message; a line that has to be cut would be no JSON any more."""


class LogFormat(StrEnum):
    """How a line of the log is written."""

    CONSOLE = "console"
    JSON = "json"


class Log:
    """Writes lines: time, level, message, and what else is known."""

    def __init__(self, form: LogFormat, clock: Clock) -> None:
        """Take the form of the lines and the clock that they are dated by."""
        self.form = form
        self._clock = clock

    def say(
        self,
        message: str,
        *,
        level: str = "info",
        pass_id: "UUID | None" = None,
        stage: str | None = None,
        known: Mapping[str, int | str] | None = None,
    ) -> None:
        """Write a line; `known` are fields of the JSON object, for people the message says enough."""
        now = f"{self._clock():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        if self.form is LogFormat.CONSOLE:
            output.write_error(f"{now} {f'{stage}: ' if stage else ''}{'error: ' * (level == 'error')}{message}")
            return
        from batchctl.render.clean import escape_json

        line: dict[str, object] = {"time": now, "level": level, "pass_id": None if pass_id is None else str(pass_id)}
        line |= {"stage": stage, "message": message[:LONGEST], **(known or {})}
        output.write_error(escape_json(json.dumps({k: v for k, v in line.items() if v is not None})))

    def fail(self, problem: Problem) -> None:
        """Write what keeps the command from its work."""
        self.say(str(problem), level="error", known={"exit_code": problem.exit_code})

    def tell(self, report: "PassReport", pass_id: "UUID | None" = None) -> None:
        """Write a line for each stage that did something; its figures are fields."""
        from batchctl.render import words

        for stage, did in words.stages(report):
            part = getattr(report, stage)
            figures = {one.name: getattr(part, one.name) for one in fields(part)}
            known = {name: value for name, value in figures.items() if isinstance(value, int) and value}
            if known:
                self.say(did, pass_id=pass_id, stage=stage, known=known)

    def complain(self, findings: "Iterable[Finding]", pass_id: "UUID | None" = None) -> None:
        """Write a line for each finding."""
        for finding in findings:
            self.say(finding.message, level="error", pass_id=pass_id, known={"exit_code": finding.exit_code})


class Herald:
    """Tells the passes of a worker, each finding when it comes up and as a reminder, and a database's absence once."""

    def __init__(self, log: Log) -> None:
        """Take the log; nothing was told yet."""
        self._log = log
        self._told_s: dict[str, float] = {}
        self._away_since_s: float | None = None

    def tell(self, passed: "Passed") -> None:
        """Tell a pass."""
        from batchctl.render import words

        report, now_s = passed.report, time.monotonic()
        if passed.pass_id is None:
            if self._away_since_s is None:
                self._away_since_s = now_s
                self._log.complain(report.findings)
                self._log.say("no pass can begin; tried again at least every 30 s, and told when one can")
            return
        if self._away_since_s is not None:
            self._log.say(f"passes can begin again, after {now_s - self._away_since_s:.0f} s")
            self._away_since_s = None
        self._log.tell(report, passed.pass_id)
        for finding in report.findings:
            if self._is_news(_NUMBER.sub("N", finding.message), now_s):
                self._log.complain([finding], passed.pass_id)
        for pause in report.paused:
            if self._is_news(f"{pause.stage} {pause.paused_at}", now_s):
                self._log.say(words.pause(pause), level="warning", pass_id=passed.pass_id, stage=pause.stage)

    def _is_news(self, kind: str, now_s: float) -> bool:
        """Say whether a kind of message is to be told again, and remember when it was."""
        self._told_s = {one: at_s for one, at_s in self._told_s.items() if now_s - at_s < REMIND_S}
        return self._told_s.setdefault(kind, now_s) == now_s
