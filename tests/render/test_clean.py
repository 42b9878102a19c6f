"""Strangers' text: whatever stands in it, nothing but letters, marks and signs comes out, in one line."""

import json
import sys
from time import thread_time
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchctl.render.clean import LONGEST, TALLEST, clean, escape_json

JOINERS = "\u200c\u200d"
COMMANDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
"""Whatever Python holds as text, lone surrogates included."""
HOSTILE = st.lists(
    st.sampled_from(
        [
            *("\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;https://evil.test\x1b\\here\x1b]8;;\x1b\\", "\x1b]52;c;cm0=\x07"),
            *("\x9b31m", "\x9d52;c;cm0=\x9c", "\x90q\x9c", "\r", "\n", "\t", "\b" * 9, "\x07", "\x00", "\x7f", "\x85"),
            *("\u202e", "\u202c", "\u2066", "\u2069", "\u200f", "\u061c", "\u2028", "\u2029", "\ufeff", "\u200b"),
            *("\u00ad", "\u3164", "\U000e0041", "\ufffb", "\ud800", "\udfff", "\ud83d\ude00", "\u200d", "\ufe0f"),
            *("[/red]", "[bold]", "[link=file:///]", ":smile:", "\\", "%s", "{0}", "a", "字", "e\u0301", "👩\u200d🔧"),
            "\u0301" * 40,
        ]
    ),
    max_size=40,
).map("".join)


def commands_in(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, that turn a line, or that no encoding can write."""
    return {char for char in text if category(char) in COMMANDS and char not in JOINERS}


@settings(deadline=None)
@given(ANY_TEXT | HOSTILE)
def test_nothing_that_a_terminal_obeys_comes_out(text: str) -> None:
    """No control, direction, separator or half character is left; what stays can be written and is one line."""
    cleaned = clean(text)
    assert commands_in(cleaned) == set()
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned.splitlines()) <= 1


def test_every_character_of_unicode_is_known() -> None:
    """One by one: each that moves, turns or hides is written out, and each other one stays as it is."""
    for number in range(sys.maxunicode + 1):
        char = chr(number)
        if category(char) in COMMANDS and char not in JOINERS:
            assert clean(char) in {"⏎", "␍", "⇥", char.encode("unicode_escape").decode()}
        elif category(char) not in {"Lo", "Mn", "Cn"}:  # Some letters and marks are invisible, and so are tags to be.
            assert clean(char) == char


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain text, Grüße, 你好, мир, עברית, العربية, हिन्दी", "plain text, Grüße, 你好, мир, עברית, العربية, हिन्दी"),
        ("two\nlines\r\nand\ta tab", "two⏎lines␍⏎and⇥a tab"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x00b\x7fc", r"a\x00b\x7fc"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("zero\u200bwidth\ufeff\u00ad", r"zero\u200bwidth\ufeff\xad"),
        ("\ud800half", r"\ud800half"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("[bold]no markup[/bold] :smile:", "[bold]no markup[/bold] :smile:"),
        ("back\\slash", "back\\slash"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f 🇩🇪 1\ufe0f\u20e3", "👨\u200d👩\u200d👧 ❤\ufe0f 🇩🇪 1\ufe0f\u20e3"),
        ("می\u200cروم क\u094d\u200dष", "می\u200cروم क\u094d\u200dष"),
        ("Việt, e\u0302\u0301", "Việt, e\u0302\u0301"),
        ("שִׁ֣בְתְּ", "שִׁ֣בְתְּ"),
    ],
)
def test_what_becomes_of_a_text(text: str, expected: str) -> None:
    """Languages and emoji stay as they are; what is harmful can be read."""
    assert clean(text) == expected


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "\u0489", "\u20dd", "\ufe0f", "\u200d", "\u200c\u0336"])
def test_pile_of_marks_covers_no_other_line(mark: str) -> None:
    """However many marks stand on a letter, no more than any script needs are shown."""
    cleaned = clean(f"a{mark * 1000}b")
    assert len(cleaned) <= TALLEST + 2
    assert (cleaned[0], cleaned[-1]) == ("a", "b")


def test_long_text_ends() -> None:
    """A message of a megabyte is cut, and the cut can be seen."""
    assert clean("x" * LONGEST) == "x" * LONGEST
    assert clean("x" * 1_000_000) == "x" * LONGEST + "…"
    assert clean("\x1b" * 1_000_000, longest=3) == r"\x1b\x1b\x1b…"


@settings(deadline=None)
@given(ANY_TEXT | HOSTILE)
def test_clean_text_stays_as_it_is(text: str) -> None:
    """What was cleaned once may be cleaned again on its way: a message within a message."""
    once = clean(text)
    assert clean(once) == once


def documents() -> st.SearchStrategy[object]:
    """Return all that JSON can hold; halves of characters stand alone, for JSON knows two of them as one character."""
    texts = ANY_TEXT.map(lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | HOSTILE.map(joined)
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


def joined(text: str) -> str:
    """Make one character of two halves that belong together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@settings(deadline=None)
@given(documents())
@example('\u2028\x7f\ud800\x00"\\/\U000e0041')
def test_json_says_the_same(value: object) -> None:
    """A document with its harmful characters escaped is read as what it was, and holds none of them."""
    document = escape_json(json.dumps(value, ensure_ascii=False))
    assert commands_in(document) == set()
    assert document.encode().decode() == document
    assert json.loads(document) == value


def seconds(text: str) -> float:
    """Return how many seconds of work both take for a text, at best; what others do meanwhile does not count."""
    took: list[float] = []
    for _ in range(3):
        began = thread_time()
        clean(text, longest=len(text))
        escape_json(text)
        took.append(thread_time() - began)
    return min(took)


@pytest.mark.parametrize("piece", ["a", "字", "\x1b", "a\u0301", "\u0301", "\u200d", "\u202e", "\ud800", "👩\u200d"])
def test_time_grows_with_the_text(piece: str) -> None:
    """Ten times the text takes about ten times as long, and never a hundred times, whatever it is made of."""
    short, long = piece * (3_000 // len(piece)), piece * (30_000 // len(piece))
    assert seconds(long) < 40 * seconds(short) + 0.01
