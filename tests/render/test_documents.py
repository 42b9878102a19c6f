"""Reports as JSON: the values of the report, readable by any program in any encoding."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings

from batchctl.render.documents import document

from .test_clean import ANY_TEXT, HOSTILE, commands_in, joined

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
ID = UUID("0033894e-0000-4000-8000-000000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A report within a report."""

    said: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that holds a stranger's text in every place where one can stand."""

    text: str
    texts: tuple[str, ...]
    inner: Inner
    at: datetime
    id: UUID
    nothing: str | None = None


@settings(deadline=None)
@given((ANY_TEXT | HOSTILE).map(joined))
def test_document_says_what_the_report_says(text: str) -> None:
    """Whatever stands in a report is read back as it was, from one line without any character that a terminal obeys."""
    report = Report(text=text, texts=(text, text), inner=Inner(said={text: text}), at=AT, id=ID)
    expected = {
        "text": text,
        "texts": [text, text],
        "inner": {"said": {text: text}},
        "at": "2026-01-31T09:00:00Z",
        "id": "0033894e-0000-4000-8000-000000000001",
        "nothing": None,
    }
    for only_ascii in (False, True):
        written = document(report, only_ascii=only_ascii)
        assert commands_in(written) == set()
        assert len(written.splitlines()) == 1
        assert json.loads(written) == expected
        assert written.isascii() or not only_ascii


@pytest.mark.parametrize("text", ["漢" * 1_000_000, "\x1b" * 100_000, '"' * 1_000_000], ids=["wide", "escape", "quote"])
def test_long_text_is_whole(text: str) -> None:
    """--json is data: nothing is cut."""
    assert json.loads(document(Inner(said={"a": text}))) == {"said": {"a": text}}
