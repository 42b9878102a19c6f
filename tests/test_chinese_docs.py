"""The Chinese pages keep up with the English ones and the program: sections, commands, settings, the demo's proof."""

import re
from pathlib import Path

import pytest

from tests.cli.test_readme import settings_table
from tests.cli.tour import commands

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
README_ZH = (ROOT / "README.zh.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
OPERATIONS_ZH = (ROOT / "docs/operations.zh.md").read_text("utf-8")

NIGHT_CARD = "夜班速查"
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A long option, or a letter; -30 is an amount.
OPTION = re.compile(r"(?<!\S)--[a-z][-a-z]*|(?<!\S)-[a-z]\b")


def sections(page: str) -> dict[str, str]:
    """Return the text of each section by its heading, in order."""
    parts = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def console(page: str) -> list[str]:
    """Return what is to be typed at each prompt of a page, without the comments beside it."""
    lines = "\n".join(BLOCK.findall(page)).replace("\\\n", " ").splitlines()
    typed = (line.removeprefix("$ ").partition(" #")[0] for line in lines if line.startswith("$ "))
    return [" ".join(line.split()) for line in typed]


def calls(page: str) -> list[str]:
    """Return what follows `batchctl` wherever a page's code calls it, up to a comment or a pipe."""
    blocks = "\n".join(BLOCK.findall(page)).replace("\\\n", " ").splitlines()
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", BLOCK.sub("", page))]
    found = (re.findall(r"(?<![\w.-])batchctl ([a-z][^#|>)`]*)", code) for code in (*blocks, *spans))
    return [call.strip() for of_one in found for call in of_one]


def unknown(call: str) -> set[str]:
    """Return what a call names that the program does not have: its command, or some of its options."""
    words = call.split()
    path = next((path for n in (3, 2, 1) if (path := " ".join(words[:n])) in commands()), None)
    if path is None:
        return {call}
    return set(OPTION.findall(call)) - {name for one in commands()[path].params for name in one.opts}


def settings_rows(table: str) -> list[tuple[list[str], str]]:
    """Return the names and the default of each row of a table of settings."""
    rows = (line.split(" | ") for line in table.splitlines() if line.startswith("| `"))
    return [(re.findall(r"`(\w+)`", row[0]), row[1]) for row in rows]


def test_operations_have_the_same_sections() -> None:
    """The night card comes first, then a section for each English one, whose heading quotes the same errors."""
    first, *chinese = sections(OPERATIONS_ZH)
    english = list(sections(OPERATIONS))
    assert first == NIGHT_CARD
    assert len(chinese) == len(english)
    quoted = re.compile(r'"[^"]+"')
    assert [quoted.findall(heading) for heading in chinese] == [quoted.findall(heading) for heading in english]


def test_operations_have_the_same_commands() -> None:
    """What is to be typed in a section is the same in both languages."""
    english, chinese = sections(OPERATIONS), list(sections(OPERATIONS_ZH).values())[1:]
    assert sum(len(console(text)) for text in chinese) > 40
    for (heading, text), translated in zip(english.items(), chinese, strict=True):
        assert console(translated) == console(text), heading


@pytest.mark.parametrize("page", [README_ZH, OPERATIONS_ZH], ids=["README.zh.md", "operations.zh.md"])
def test_commands_are_there(page: str) -> None:
    """Each command in the code of a page is one of the program, with options that it has."""
    called = calls(page)
    assert len(called) > 25
    assert {call: missing for call in called if (missing := unknown(call))} == {}


def test_settings_are_those_of_the_code() -> None:
    """The table of settings names the variables of the settings class, in its order, with their defaults."""
    written = [
        (names, default.replace("无", "none")) for names, default in settings_rows(sections(README_ZH)["配置项"])
    ]
    assert written == settings_rows(settings_table())


def test_proof_of_the_demonstration_is_the_english_one() -> None:
    """The sums at the end of the demonstration stand in the Chinese page as in the English one."""
    (proof,) = [block for block in BLOCK.findall(README_ZH) if block.startswith("frozen ")]
    assert f"\n{proof}\n" in README
