"""Text from strangers made harmless for a terminal: nothing in it moves the cursor, turns the line, covers or hides."""

import re
from itertools import groupby
from unicodedata import category

_HARMFUL = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, the escape character among them, and their 8-bit forms
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2"  # invisible ones, and signs that enclose others
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible ones
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"  # direction, separators, invisible
    "\ud800-\udfff"  # halves of pairs, which no encoding can write
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"  # what lays out old scripts and shorthand
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # musical controls, tags
    "]"
)
_SHORT = {"\n": "⏎", "\r": "␍", "\t": "⇥"}
_ON_ANOTHER = frozenset({"Mn", "Me", "Cf"})
"""Categories that take no place of their own. What is left of Cf are the joiners."""
LONGEST = 10_000
"""More characters than an operator reads; a message of a megabyte ends here."""
TALLEST = 5
"""More marks than any script puts on a letter; a pile of them covers the lines above and below."""


def clean(text: str, longest: int = LONGEST) -> str:
    """Return text in one line with every harmful character written out: ⏎ for a line's end, else as Python escapes it.

    Zero-width joiners stay, for emoji and scripts need them. Of a pile of marks or joiners the first ones stay.
    """
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    written = _HARMFUL.sub(lambda found: _SHORT.get(found[0]) or _written_out(found[0]), cut)
    return written if written.isascii() else _flattened(written)


def escape_json(document: str) -> str:
    """Write harmful characters of a JSON document as JSON escapes; outside of strings it has none."""
    return _HARMFUL.sub(_as_json, document)


def _flattened(text: str) -> str:
    piles = groupby(text, lambda char: category(char) in _ON_ANOTHER)
    return "".join("".join(pile)[: TALLEST if on_another else None] for on_another, pile in piles)


def _as_json(found: "re.Match[str]") -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _written_out(char: str) -> str:
    return char.encode("unicode_escape").decode()
