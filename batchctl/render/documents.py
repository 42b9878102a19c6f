"""Reports as JSON documents: the values of the report and nothing else."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def document(report: "DataclassInstance") -> str:
    """Write a report as one JSON document on one line."""
    return json.dumps(asdict(report), ensure_ascii=False, default=str)
