"""Tables for a terminal: straight columns and no commands, whatever customers and the provider have written."""

import io
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from time import thread_time
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from batchctl.render.grid import Grid, Part, instant, plain
from batchctl.render.tables import COLOURS, LONGEST_CELL, cell, print_page, table

from .test_clean import ANY_TEXT, HOSTILE, commands_in

WIDTHS = (12, 20, 80, 120, 200)
SCRIPTS = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "word ",
                " ",
                "x" * 30,
                "漢字",
                "ｶﾞ",
                "한글",
                "\u1112\u1161\u11ab",
                "क्षि",
                "क\u094d\u200dष",
                "ไม่",
                "עִבְ",
                "ﷺ",
            ),
            *(
                "🇩🇪",
                "🇩",
                "👨\u200d👩\u200d👧\u200d👦",
                "👩\u200d❤\ufe0f\u200d👨",
                "👍🏽",
                "❤\ufe0f",
                "❤",
                "1\ufe0f\u20e3",
                "☺\ufe0e",
                "🏳\ufe0f\u200d🌈",
            ),
            *(
                "e\u0301",
                "\u0301",
                "a" + "\u0301" * 30,
                "\ufe0f",
                "\u200d",
                "\u200c",
                "\U0001f3fb",
                "\u20e3",
                "①",
                "\ue000",
            ),
        ]
    ),
    max_size=40,
).map("".join)
"""Texts in which letters, marks, joiners and selectors stand where they belong, and where they do not."""


class State(StrEnum):
    """A state with a colour."""

    FAILED = "failed"


def shown(part: Part, width: int, *, colours: bool = False) -> list[str]:
    """Return the lines of a page on a terminal of so many columns."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
    )
    console.print(table(part) if isinstance(part, Grid) else part)
    return out.getvalue().split("\n")[:-1]


def grid(*rows: tuple[object, ...]) -> Grid:
    """Build a table with a column that folds, one that is cut, and a number."""
    return Grid(headings=("FOLDS", "CUT", "N"), rows=rows, numbers=("N",), cut=("CUT",))


@settings(deadline=None)
@given(st.lists(st.tuples(SCRIPTS | ANY_TEXT | HOSTILE, SCRIPTS | ANY_TEXT | HOSTILE), min_size=1, max_size=4))
@example([("a \u200d漢" * 30, "b \u200d漢" * 30)])
@example([("\ufe0f\u200d👩" * 30, "漢" * 200)])
def test_columns_stand_straight(texts: list[tuple[str, str]]) -> None:
    """Every line is as wide as the others and the terminal at most; no text breaks or ends the page."""
    rows = grid(*((*pair, number) for number, pair in enumerate(texts)))
    for width in WIDTHS:
        lines = [line for line in shown(rows, width) if line]
        assert len({cell_len(line) for line in lines}) == 1
        assert cell_len(lines[0]) <= width
        assert commands_in("".join(lines)) == set()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("漢字", 4),
        ("👨\u200d👩\u200d👧\u200d👦", 8),
        ("🇩🇪", 2),
        ("❤\ufe0f", 1),
        ("❤", 1),
        ("e\u0301", 1),
        ("a" + "\u0301" * 99, 1),
    ],
)
def test_number_stands_where_it_does_beside_plain_text(text: str, cells: int, width: int) -> None:
    """What takes two columns on a terminal, or none, moves no other column."""
    plain_line, line = (shown(grid((one, "", 7)), width)[3] for one in ("x" * cells, text))
    assert cell_len(line.partition("7")[0]) == len(plain_line.partition("7")[0])


@settings(deadline=None)
@given(ANY_TEXT | HOSTILE)
def test_only_our_colours_reach_the_terminal(text: str) -> None:
    """The one command that a terminal gets is the colour of a state."""
    page = "\n".join(shown(grid((text, text, State.FAILED)), 80, colours=True))
    for ours in ("\x1b[31m", "\x1b[1m", "\x1b[0m", "\n"):
        page = page.replace(ours, "")
    assert commands_in(page) == set()


@pytest.mark.parametrize(
    "text", ["[/red]", "[bold]x[/bold]", "[link=file:///etc/passwd]x", "[red", ":smile:", "https://a.test"]
)
def test_markup_is_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In cells, between tables and below them, nothing is taken for markup, and nothing fails as such."""
    print_page([text, Grid(headings=("A",), rows=((text,),), caption=text)])
    assert capsys.readouterr().out.count(text) == 3


@settings(deadline=None)
@given(SCRIPTS | ANY_TEXT | HOSTILE)
@example("\u200d漢 " * 100)
def test_text_beside_tables_is_clean(text: str) -> None:
    """Captions and lines between tables are as harmless as cells are."""
    out = io.StringIO()
    with redirect_stdout(out):
        print_page([text, Grid(headings=("A",), rows=(("a",),), caption=text), text])
    assert commands_in(out.getvalue()) <= {"\n"}


def test_values_are_short_for_a_person() -> None:
    """Eight digits of an id, a time to the second, a state in its colour and in words."""
    assert str(cell(UUID("0033894e-0000-4000-8000-000000000001"))) == "0033894e"
    assert str(cell(datetime(2026, 1, 31, 9, 0, 0, 999, tzinfo=UTC).astimezone())).endswith(":00:00")
    assert (str(cell(State.FAILED)), cell(State.FAILED).style) == ("failed", COLOURS["failed"])
    assert (str(cell(None)), str(cell(7)), str(cell(-7))) == ("", "7", "-7")


def test_megabyte_takes_a_screen_and_no_time() -> None:
    """A text without end costs what a long one costs, and leaves the other rows to be read."""
    began = thread_time()
    lines = shown(
        grid(*(("漢👨\u200d👩\u200d👧e\u0301\x1b " * 100_000, "x" * 1_000_000, number) for number in range(10))), 80
    )
    assert thread_time() - began < 2
    assert len(lines) < 10 * 2 * LONGEST_CELL / 10


@pytest.mark.parametrize("width", [10, 40, 80])
def test_no_digit_is_ever_lost(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal that is too narrow for its numbers and ids a table is wider than that; nothing of them is cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    numbers = (123_456_789_012_345, -9_223_372_036_854_775_808, 7)
    row = (UUID("0033894e-0000-4000-8000-000000000001"), "a long text " * 9, *numbers)
    print_page([Grid(headings=("ID", "TEXT", "A", "B", "C"), rows=(row,), numbers=("A", "B", "C"))])
    shown = capsys.readouterr().out
    assert "0033894e" in shown
    assert [str(number) for number in numbers if str(number) not in shown] == []


def test_sentences_tell_times_as_the_operators_clock_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines, captions and sentences in cells have local times with their age; a pipe gets them in UTC."""
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    said = f"until {instant(at)}"
    parts: list[Part] = [said, Grid(headings=("A",), rows=((said,),), caption=said)]
    print_page(parts, now=at + timedelta(minutes=5))
    local = f"until {at.astimezone():%Y-%m-%d %H:%M %z} (5 min ago)"
    assert capsys.readouterr().out.count(local) == 3
    assert "\n".join(map(plain, parts)).count("until 2026-01-31T09:00:00Z") == 2
