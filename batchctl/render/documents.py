"""Reports as JSON documents: the values of the report and nothing else."""

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from batchctl.render.clean import escape_json
from batchctl.render.grid import instant

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def document(report: "DataclassInstance", *, only_ascii: bool = False) -> str:
    """Write a report as one JSON document on one line; instants are in UTC, harmful characters are escaped.

    `only_ascii` escapes all others too, for a stream that cannot write them.
    """
    return escape_json(json.dumps(asdict(report), ensure_ascii=only_ascii, default=_value))


def lines(report: "DataclassInstance", *, only_ascii: bool = False) -> str:
    """Write a report as JSON, a line for each item of its list: the one field that holds things of a kind.

    Each line begins with the schema of the whole. A report without a list, or with several, is one line.
    """
    whole = asdict(report)
    lists = [name for name in whole if _is_list(getattr(report, name))]
    if len(lists) != 1:
        return document(report, only_ascii=only_ascii)
    rows = ({"schema": whole.get("schema"), **row} for row in whole[lists[0]])
    return "\n".join(escape_json(json.dumps(row, ensure_ascii=only_ascii, default=_value)) for row in rows)


def _is_list(value: object) -> bool:
    return isinstance(value, tuple) and all(map(is_dataclass, cast("tuple[object, ...]", value)))


def _value(value: object) -> str:
    return instant(value) if isinstance(value, datetime) else str(value)
