"""What is kept of a receiver's answer is short, one line, storable, and holds no secret."""

import pytest

from batchctl.gateways.excerpt import LONGEST, excerpt

SECRET = "s3cret/of+a customer"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", None),
        (b" \r\n\t ", None),
        (b"\x00\x1b\x07", None),
        (b'{"ok":true}\n', '{"ok":true}'),
        (b"<html>\n  <b>no</b>\r\n</html>", "<html> <b>no</b> </html>"),
        (b"\x1b[2Ja\x00b", "[2Ja b"),
        ("né 視頻 🎬".encode(), "né 視頻 🎬"),
        ("a\u202eb\u200bc".encode(), "a b c"),
        (b"\xff\xfe!", "\ufffd\ufffd!"),
        (b"x" * 60_000, "x" * LONGEST),
        (b" " * 60_000 + b"end", "end"),
    ],
)
def test_beginning_as_one_line(body: bytes, kept: str | None) -> None:
    """Control characters and marks of direction become blanks, blanks become one, and it ends after 500 characters."""
    assert excerpt(body, ()) == kept


@pytest.mark.parametrize(
    "said", [SECRET, SECRET.upper(), "s3cret%2fof%2Ba%20customer", "".join(f"%{ord(char):02X}" for char in SECRET)]
)
def test_secret_is_left_out(said: str) -> None:
    """However a receiver writes it, also where it stands across the end of what is kept."""
    assert excerpt(f"wrong secret {said}!".encode(), [SECRET]) == "wrong secret ***!"
    kept = excerpt(b"x" * (LONGEST - 5) + said.encode(), [SECRET])
    assert kept == "x" * (LONGEST - 5) + "***"


def test_secret_is_left_out_without_its_prefix_too() -> None:
    """What follows whsec_ is the secret as well."""
    assert excerpt(b"is it c2VjcmV0IQ==?", ["whsec_c2VjcmV0IQ=="]) == "is it ***?"


def test_short_secret_is_part_of_words() -> None:
    """A test's secret of a few letters does not tear every answer apart; nor does none at all."""
    assert excerpt(b"okay", ["ok", ""]) == "okay"
