"""The bar for work that lasts: for a person only, and only when it lasts."""

import io
import sys
from collections.abc import Iterator

import pytest

from batchctl.render import progress
from batchctl.render.progress import watched


class Screen(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def look_at(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, *, patience_s: float = -1.0) -> None:
    """Let stderr go there from now on, and patience end before the work begins; a fixture's stderr would not last."""
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(progress, "PATIENCE_S", patience_s)
    monkeypatch.setenv("TERM", "xterm")


def test_bar_is_shown_to_a_person_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lasts shows how far it is, and takes the bar away in the end; every item passes."""
    look_at(monkeypatch, screen := Screen())

    assert list(watched(range(1200), what="writing tasks", total=1200)) == list(range(1200))

    assert "writing tasks" in screen.getvalue()
    assert "1000/1200" in screen.getvalue()


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done within a second needs no bar."""
    look_at(monkeypatch, screen := Screen(), patience_s=3600.0)

    assert len(list(watched(range(1200), what="writing tasks", total=1200))) == 1200

    assert screen.getvalue() == ""


def test_file_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks nothing is drawn."""
    look_at(monkeypatch, out := io.StringIO())

    assert len(list(watched(range(1200), what="writing tasks", total=None))) == 1200

    assert out.getvalue() == ""


def test_error_takes_the_bar_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that breaks leaves a clean line to say so."""
    look_at(monkeypatch, screen := Screen())

    def broken() -> Iterator[int]:
        yield from range(600)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(watched(broken(), what="reading lines", total=None))

    assert "500/?" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
