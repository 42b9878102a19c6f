"""`batchctl doctor`."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from batchctl.cli import output
from batchctl.cli.options import Json, Output

if TYPE_CHECKING:
    from batchctl.domain.doctor import Diagnosis
    from batchctl.settings import Settings


def doctor(*, form: Output = None, json: Json = False) -> None:
    """Say whether all is well, and what to do where it is not: settings, database, rights, provider, work that is due.

    Changes nothing. The exit code is 0 when nothing failed (warnings do not count), else 78, 69 or 1.
    """
    from batchctl.domain.doctor import DoctorReport
    from batchctl.render.doctor import page

    shape = output.chosen(form, json=json)
    report = DoctorReport(diagnoses=tuple(_diagnose()))
    output.give(report, lambda: page(report), shape)
    raise typer.Exit(report.exit_code)


def _diagnose() -> "Iterator[Diagnosis]":
    from batchctl.domain.doctor import Diagnosis, Level
    from batchctl.domain.problem import ConfigProblem, Problem
    from batchctl.service.doctor import diagnose
    from batchctl.settings import read_settings
    from batchctl.wiring import local_clock, open_world

    try:
        settings = read_settings()
    except ConfigProblem as problem:
        yield Diagnosis(check="settings", level=Level.FAIL, found=str(problem), exit_code=problem.exit_code)
        return
    yield from _judge_settings(settings)
    try:
        with open_world(settings) as world:
            yield from diagnose(world, local_clock)
    except Problem as problem:
        yield Diagnosis(check="database", level=Level.FAIL, found=str(problem), exit_code=problem.exit_code)


def _judge_settings(settings: "Settings") -> "Iterator[Diagnosis]":
    from batchctl.domain.doctor import Diagnosis, Level, judge_secret
    from batchctl.failpoint import VARIABLE

    yield Diagnosis(check="settings", level=Level.OK, found="can be read")
    secret = settings.webhook_secret
    advice = "set ENTERPRISE_WEBHOOK_SECRET: deliveries of customers without a secret of their own wait for it"
    yield judge_secret("secret", None if secret is None else secret.get_secret_value(), advice)
    dangers = {
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": settings.webhook_allow_insecure,
        "ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED": settings.webhook_allow_unsigned,
        VARIABLE: bool(os.environ.get(VARIABLE)),
    }
    for name in (name for name, is_set in dangers.items() if is_set):
        found = f"{name} is set, which is for tests and development"
        yield Diagnosis(check="settings", level=Level.WARN, found=found, advice="unset it in production")
