"""Statements on runs, the passes that did something."""

import json
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from batchctl.domain.report import PassReport, exit_code
from batchctl.statement import Conn, NoRow, Statement

_INSERT = Statement("runs/insert", NoRow)


def insert(tx: Conn, report: PassReport, *, pass_id: UUID, started_at: datetime, host: str, process_id: int) -> None:
    """Remember a pass."""
    _INSERT.run(
        tx,
        started_at=started_at,
        duration_ms=report.duration_ms,
        host=host,
        process_id=process_id,
        exit_code=exit_code(report.findings),
        report=json.dumps(asdict(report), default=str),
        pass_id=pass_id,
    )
