"""Files that passes leave behind for those who watch them: metrics, health; whoever reads one never sees half of it."""

import json
import os
import re
import socket
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.domain.problem import Problem

if TYPE_CHECKING:
    from uuid import UUID

    from batchctl.domain.report import PassReport
    from batchctl.service.world import World

_LAST_SUCCESS = re.compile(r"^batchctl_last_success_timestamp_seconds (\d+(?:\.\d+)?)$", re.MULTILINE)
_MODE = 0o644
"""Whoever collects metrics or probes health is another account."""
_LONGEST = 100_000
"""An earlier file of metrics is smaller; what is not is none of ours."""


def replace(path: Path, text: str) -> None:
    """Write a file beside its place and move it there; Problem says in one line why it cannot be written."""
    try:
        _replace(path, text, path.parent / f".{path.name}.{os.getpid()}.tmp")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise Problem(message) from error


def _replace(path: Path, text: str, draft: Path) -> None:
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no file")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), _MODE)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def write_health(path: Path, report: "PassReport", *, pass_id: "UUID | None", code: int, now: datetime) -> None:
    """Write when the last pass ended, how, and what it did; Problem when that is impossible."""
    whole = asdict(report)
    document: dict[str, object] = {
        "schema": "batchctl/health/1",
        "ended_at": now.isoformat(),
        "pass_id": None if pass_id is None else str(pass_id),
        "exit_code": code,
        "duration_ms": report.duration_ms,
        "host": socket.gethostname(),
        "process_id": os.getpid(),
    }
    for stage in ("dispatch", "poll", "settle", "webhook"):
        document[stage] = {name: value for name, value in whole[stage].items() if isinstance(value, int)}
    replace(path, json.dumps(document) + "\n")


def write_metrics(path: Path, world: "World | None", report: "PassReport", *, code: int, now: datetime) -> None:
    """Write what node_exporter's textfile collector reads; Problem when that is impossible.

    Without a world, and of a database that is away, only that is told. The last success is that of the file before,
    unless this pass was one.
    """
    from batchctl.domain.metrics import PassMetrics
    from batchctl.render.metrics import exposition
    from batchctl.service.metrics import measure

    ended_at_s = now.timestamp()
    of_pass = PassMetrics(
        ended_at_s=ended_at_s,
        succeeded_at_s=_last_success_s(path) if code else ended_at_s,
        exit_code=code,
        duration_s=report.duration_ms / 1000,
    )
    try:
        measured = None if world is None else measure(world)
    except Problem:  # Said by the pass, if it lasts.
        measured = None
    except Exception as error:
        what = str(error).partition("\n")[0]
        message = f"{path} cannot be written: {type(error).__name__}: {what} (this is a bug)"
        raise Problem(message) from error
    replace(path, exposition(of_pass, measured))


def _last_success_s(path: Path) -> float | None:
    """Return what an earlier pass left in the file, which alone knows passes that found nothing to do."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            found = _LAST_SUCCESS.search(file.read(_LONGEST))
    except (OSError, ValueError):
        return None
    return None if found is None else float(found[1])
