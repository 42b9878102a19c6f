"""Reports as JSON documents: the values of the report and nothing else."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from batchctl.render.clean import escape_json
from batchctl.render.grid import instant

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def document(report: "DataclassInstance", *, only_ascii: bool = False) -> str:
    """Write a report as one JSON document on one line; instants are in UTC, harmful characters are escaped.

    `only_ascii` escapes all others too, for a stream that cannot write them.
    """
    return escape_json(json.dumps(asdict(report), ensure_ascii=only_ascii, default=_value))


def _value(value: object) -> str:
    return instant(value) if isinstance(value, datetime) else str(value)
