"""A batch as a file: JSONL, one JSON object a line, or CSV, a header and one record a task."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import cast

from batchctl.domain.new_task import FIELDS, NewTask, WrongLineError, names, new_task
from batchctl.domain.problem import UsageProblem

MAX_TASKS = 1_000_000
"""More are several batches: a batch is one transaction, and stands in memory while it is written."""
MAX_LINE_BYTES = 1024 * 1024
"""A file without line ends is found by this before it fills the memory."""
MAX_LINES = 10 * MAX_TASKS
"""Records of CSV may go over several lines, and lines may be empty; a pipe that never ends is found by this."""
MAX_WRONG = 10_000
"""A file with more wrong lines is another kind of file, and is read no further."""
SHOWN_LINES = 50

_NOT_UTF8 = "is not UTF-8"
_HALF = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


class Format(StrEnum):
    """How a batch file is written."""

    JSONL = "jsonl"
    CSV = "csv"


_ENDINGS = {".csv": Format.CSV, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".json-lines": Format.JSONL}

Record = tuple[int, Mapping[str, object] | WrongLineError]
"""The number of the line on which a record begins, and its fields or what is wrong with it."""


def format_of(name: str) -> Format | None:
    """Tell a file's format by the ending of its name: .jsonl, .ndjson, .json-lines, .csv."""
    return _ENDINGS.get(PurePath(name).suffix.lower())


def text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Decode a file line by line; a byte that is no UTF-8 becomes half a surrogate pair, which readers refuse.

    Raises UsageProblem for a line longer than MAX_LINE_BYTES, and for more lines than MAX_LINES.
    """
    for number, line in enumerate(lines, start=1):
        if number > MAX_LINES:
            message = f"there are more than {MAX_LINES} lines in it: is this a file of one task a line?"
            raise UsageProblem(message)
        if len(line) > MAX_LINE_BYTES:
            message = f"line {number} is longer than {MAX_LINE_BYTES} bytes: is this a file of one task a line?"
            raise UsageProblem(message)
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if number == 1 else text


def read(lines: Iterable[str], file_format: Format) -> list[NewTask]:
    """Read a batch file; empty lines are passed over. Raises UsageProblem that names every wrong line."""
    return _collect(_csv_records(lines) if file_format is Format.CSV else _json_records(lines))


def read_jsonl(lines: Iterable[str]) -> list[NewTask]:
    """Read a batch file of one JSON object a line; raises what `read` raises."""
    return read(lines, Format.JSONL)


def _collect(records: Iterator[Record]) -> list[NewTask]:
    tasks: list[NewTask] = []
    wrong, shown = 0, list[str]()
    for number, record in records:
        try:
            if isinstance(record, WrongLineError):
                raise record
            task = new_task(record)
        except WrongLineError as error:
            wrong += 1
            if wrong <= SHOWN_LINES:
                shown.append(f"line {number}: {error}")
            if wrong == MAX_WRONG:
                break
            continue
        if len(tasks) == MAX_TASKS:
            message = f"there are more than {MAX_TASKS} tasks in it: make several batches of them"
            raise UsageProblem(message)
        tasks.append(task)
    if wrong:
        stopped = ", and the rest was not read" if wrong == MAX_WRONG else ""
        head = f"{wrong} of {wrong + len(tasks)} lines cannot be used{stopped}, so nothing was written:"
        more = [f"… and {wrong - SHOWN_LINES} more"] if wrong > SHOWN_LINES else []
        raise UsageProblem("\n  ".join([head, *shown, *more]))
    if not tasks:
        raise UsageProblem("there is no task in it")
    return tasks


def _json_records(lines: Iterable[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            try:
                yield number, _json_record(line)
            except WrongLineError as error:
                yield number, error


def _json_record(line: str) -> Mapping[str, object]:
    if _HALF.search(line):
        raise WrongLineError(_NOT_UTF8)
    fields = _json(line)
    if not isinstance(fields, dict):
        raise WrongLineError("must be a JSON object, one a line")
    return cast("dict[str, object]", fields)


def _csv_records(lines: Iterable[str]) -> Iterator[Record]:
    reader = csv.reader(lines, strict=True)
    columns: list[str] = []
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            if columns:
                yield number, _csv_record(columns, cells)
            else:
                columns = _columns(cells)
        except csv.Error as error:
            is_huge = "field limit" in str(error)
            size = f"has a cell of more than {csv.field_size_limit()} characters: is a quote not closed?"
            yield number, WrongLineError(size if is_huge else f"is no CSV: {error}")
        except WrongLineError as error:
            yield number, error
        if not columns:
            return


def _columns(cells: list[str]) -> list[str]:
    """Read the header; a file whose columns are not known is read no further."""
    columns = [cell.strip() for cell in cells]
    known = ", ".join(FIELDS)
    if unknown := [name for name in columns if name not in FIELDS]:
        message = f"unknown columns: {names(unknown)}; the first line names them, parted by commas, of {known}"
        raise WrongLineError(message)
    if twice := _twice(columns):
        message = f"columns given twice: {names(twice)}"
        raise WrongLineError(message)
    if "prompt" not in columns:
        raise WrongLineError("the column prompt is missing")
    return columns


def _csv_record(columns: list[str], cells: list[str]) -> Mapping[str, object]:
    if len(cells) != len(columns):
        message = f"has {len(cells)} cells, the header {len(columns)}"
        raise WrongLineError(message)
    if any(_HALF.search(cell) for cell in cells):
        raise WrongLineError(_NOT_UTF8)
    fields: dict[str, object] = dict(zip(columns, cells, strict=True))
    duration, meta = (str(fields.get(name, "")).strip() for name in ("duration", "meta"))
    if _WHOLE.fullmatch(duration):
        fields["duration"] = int(duration)
    if meta:
        try:
            fields["meta"] = _json(meta)
        except WrongLineError as error:
            message = f"meta {error}"
            raise WrongLineError(message) from None
    return fields


def _json(text: str) -> object:
    """Read JSON; WrongLineError where it is none, or says two things of one name."""
    try:
        return cast("object", _DECODER.decode(text))
    except WrongLineError:
        raise
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} at character {error.colno}"
        raise WrongLineError(message) from None
    except RecursionError:
        raise WrongLineError("is nested too deeply") from None
    except ValueError:  # that of a number longer than the interpreter reads
        raise WrongLineError("holds a number that is too long") from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        message = f"names given twice: {names(_twice(name for name, _ in pairs))}"
        raise WrongLineError(message)
    return fields


def _twice(given: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(given).items() if count > 1]


def _no_number(name: str) -> object:
    message = f"is no JSON: {name} is no number"
    raise WrongLineError(message)


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_number)
