"""A batch file is read whole, or every wrong line is named."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, product, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain import batch_file
from batchctl.domain.batch_file import Format, format_of, read, read_jsonl, text_lines
from batchctl.domain.new_task import NewTask
from batchctl.domain.problem import UsageProblem

FULL = NewTask(
    prompt='a "cat",\nasleep',
    model="veo-flash",
    reference_url="https://cdn.example/cat.png",
    aspect_ratio="16:9",
    duration=15,
    size="large",
    meta={"urls": ["https://a.example"]},
)


def read_bytes(content: bytes, file_format: Format) -> list[NewTask]:
    """Read a file as the command line does."""
    return read(text_lines(content.splitlines(keepends=True)), file_format)


def refusal(content: str | bytes, file_format: Format) -> list[str]:
    """Return the lines in which a file is refused."""
    content = content.encode() if isinstance(content, str) else content
    with pytest.raises(UsageProblem) as caught:
        read_bytes(content, file_format)
    return str(caught.value).split("\n")


def test_lines_become_tasks_in_order() -> None:
    """Each line is a task with the fields it names; empty lines are passed over."""
    tasks = read_jsonl(['{"prompt": "a cat"}', "", '{"prompt": "犬", "duration": 15, "meta": {"urls": []}}'])

    assert tasks == [NewTask(prompt="a cat"), NewTask(prompt="犬", duration=15, meta={"urls": []})]


def test_both_formats_say_the_same() -> None:
    """A task with every field is the same task in JSONL and in CSV, whose cells may hold quotes and line ends."""
    fields = {name: getattr(FULL, name) for name in ("prompt", "model", "reference_url", "aspect_ratio", "size")}
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*fields, "duration", "meta"])
    writer.writerow([*fields.values(), 15, json.dumps(FULL.meta)])
    line = json.dumps(fields | {"duration": 15, "meta": FULL.meta})

    assert read_bytes(out.getvalue().encode(), Format.CSV) == [FULL]
    assert read_bytes(line.encode(), Format.JSONL) == [FULL]


@pytest.mark.parametrize("file_format", Format)
def test_files_of_other_systems_are_read(file_format: Format) -> None:
    """A byte order mark at the beginning, CR LF at the ends of lines and empty lines say nothing."""
    lines = {Format.JSONL: ['{"prompt": "é"}', "", '{"prompt": "b"}'], Format.CSV: ["prompt", "é", "", "b"]}[
        file_format
    ]
    content = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()

    assert read_bytes(content, file_format) == [NewTask(prompt="é"), NewTask(prompt="b")]


def test_columns_come_in_any_order_and_empty_cells_are_absent() -> None:
    """A CSV file names its columns; a blank cell is one that is not given, a blank record none at all."""
    content = "size , prompt,duration,meta,model\n,a,,,\nsmall,b, 10 ,{},veo-pro\n , ,,,\n"

    assert read_bytes(content.encode(), Format.CSV) == [
        NewTask(prompt="a"),
        NewTask(prompt="b", size="small", duration=10, meta={}, model="veo-pro"),
    ]


def test_blank_text_is_absent_in_json_too() -> None:
    """An application that writes empty text for what it does not have means the same as null."""
    assert read_jsonl(['{"prompt": "a", "model": "", "reference_url": " ", "size": null}']) == [NewTask(prompt="a")]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("[]", "must be a JSON object, one a line"),
        ("{", "is no JSON: Expecting property name enclosed in double quotes at character 2"),
        ('{"model": "sora-2"}', "prompt is missing"),
        ('{"prompt": ""}', "prompt is missing"),
        ('{"prompt": " \\t"}', "prompt is missing"),
        ('{"prompt": null}', "prompt is missing"),
        ('{"prompt": 7}', "prompt must be text"),
        ('{"prompt": "a\\u0000b"}', "prompt holds a NUL or half a character, which the database cannot store"),
        ('{"prompt": "a\\ud800"}', "prompt holds a NUL or half a character, which the database cannot store"),
        (json.dumps({"prompt": "a" * 100_001}), "prompt is longer than 100000 characters"),
        ('{"prompt": "a", "size": []}', "size must be text"),
        *(
            (
                f'{{"prompt": "a", "duration": {value}}}',
                "duration must be a whole number of seconds from 1 to 2147483647",
            )
            for value in ("1.5", "10.0", "true", '"10"', "0", "-1", "2147483648", "1" + "0" * 400)
        ),
        ('{"prompt": "a", "duration": 1' + "0" * 5000 + "}", "holds a number that is too long"),
        ('{"prompt": "a", "meta": "x"}', "meta must be a JSON object"),
        ('{"prompt": "a", "meta": {"x": ["\\u0000"]}}', "meta holds a NUL or half a character"),
        ('{"prompt": "a", "meta": {"\\udfff": 1}}', "meta holds a NUL or half a character"),
        ('{"prompt": "a", "meta": {"x": 1e999}}', "meta holds a number that is too large"),
        ('{"prompt": "a", "meta": {"x": NaN}}', "is no JSON: NaN is no number"),
        ('{"prompt": "a", "meta": {"x": -Infinity}}', "is no JSON: -Infinity is no number"),
        ('{"prompt": "a", "meta": {"x": ' + "[" * 101 + "]" * 101 + "}}", "meta is nested deeper than 100 levels"),
        ('{"prompt": "a", "meta": {"x": 1, "x": 2}}', "names given twice: x"),
        ('{"prompt": "a", "prompt": "b"}', "names given twice: prompt"),
        ('{"prompt": "a", "colour": "red"}', "unknown fields: colour"),
        ('{"prompt": "a", "' + "x" * 5000 + '": 1}', "unknown fields: " + "x" * 40 + "…"),
        *(
            (
                f'{{"prompt": "a", "reference_url": "{url}"}}',
                "reference_url must be an address that begins with http://",
            )
            for url in ("cat.png", "ftp://a.example/", "https://", "http:///x", "https://a b.example", "http://[::1")
        ),
        ('{"prompt": "a", "reference_url": "https://a.example/\\n"}', "reference_url must be an address"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"prompt": "a"} {"prompt": "b"}', "is no JSON: Extra data at character 17"),
    ],
)
def test_wrong_line_is_named(line: str, wrong: str) -> None:
    """A wrong line is named by its number with what is wrong, and nothing is read."""
    said = refusal('{"prompt": "fine"}\n' + line, Format.JSONL)

    assert said[0] == "1 of 2 lines cannot be used, so nothing was written:"
    assert said[1].startswith(f"  line 2: {wrong}")
    assert len(said) == 2


def test_all_that_is_wrong_with_a_line_is_said() -> None:
    """Whoever mends a line sees everything that is wrong with it."""
    (_, said) = refusal('{"prompt": 1, "size": 2, "x": 3, "duration": 0}', Format.JSONL)

    assert said == (
        "  line 1: unknown fields: x; prompt must be text; size must be text; "
        "duration must be a whole number of seconds from 1 to 2147483647"
    )


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["size,model", "a,b"], "line 1: the column prompt is missing"),
        (["prompt;size", "a;b"], "line 1: unknown columns: prompt;size; the first line names them, parted by commas"),
        (["prompt,prompt", "a,b"], "line 1: columns given twice: prompt"),
        (["", "prompt,x"], "line 2: unknown columns: x"),
        (["prompt,size", "a"], "line 2: has 1 cells, the header 2"),
        (["prompt,size", "a,b,c"], "line 2: has 3 cells, the header 2"),
        (["prompt,size", '"a', 'b",c', "d"], "line 4: has 1 cells, the header 2"),
        (["prompt", '"a"b'], "line 2: is no CSV: ',' expected after '\"'"),
        (["prompt", "fine", '"never closed', "b"], "line 3: is no CSV: unexpected end of data"),
        (["prompt", "a" * 131_073], "line 2: has a cell of more than 131072 characters: is a quote not closed?"),
        (["prompt,duration", "a,ten"], "line 2: duration must be a whole number"),
        (["prompt,duration", "a,1_0"], "line 2: duration must be a whole number"),
        (["prompt,duration", "a,٣"], "line 2: duration must be a whole number"),
        (["prompt,duration", "a,1e1"], "line 2: duration must be a whole number"),
        (["prompt,meta", "a,x"], "line 2: meta is no JSON: Expecting value at character 1"),
        (["prompt,meta", "a,[]"], "line 2: meta must be a JSON object"),
        (["prompt", "a\0b"], "line 2: prompt holds a NUL"),
        (["prompt,size", ",small"], "line 2: prompt is missing"),
    ],
)
def test_wrong_record_of_csv_is_named(lines: Sequence[str], wrong: str) -> None:
    """A wrong record is named by the line on which it begins."""
    said = refusal("\n".join(lines), Format.CSV)

    assert said[1].startswith(f"  {wrong}")
    assert len(said) == 2


def test_a_broken_record_does_not_hide_the_next_one() -> None:
    """After a quote that is never closed within a cell's length the lines that follow are read again."""
    long = "x" * 70_000
    said = refusal(f'prompt,size\n"a,\n{long}\n{long}\nb,c,d\n', Format.CSV)

    assert [line.partition(":")[0] for line in said[1:]] == ["  line 2", "  line 5"]


@pytest.mark.parametrize("file_format", Format)
def test_bytes_that_are_no_text_are_named_by_their_line(file_format: Format) -> None:
    """A file in another encoding is refused line by line, and never guessed."""
    head = "prompt\n" if file_format is Format.CSV else '{"prompt": "fine"}\n'
    line = "caf\xe9" if file_format is Format.CSV else '{"prompt": "caf\xe9"}'

    assert refusal(head.encode() + line.encode("latin-1"), file_format)[1:] == ["  line 2: is not UTF-8"]
    assert refusal((head + line).encode("utf-16"), file_format)[1].startswith("  line 1: ")


def test_line_without_an_end_is_refused_at_once() -> None:
    """A line of more than a megabyte is no task; the file is not read into memory to find out."""
    lines = iter([b'{"prompt": "a"}\n', b"x" * (batch_file.MAX_LINE_BYTES + 1)])

    with pytest.raises(UsageProblem, match="line 2 is longer than 1048576 bytes"):
        read(text_lines(lines), Format.JSONL)


def test_many_wrong_lines_are_counted() -> None:
    """The first fifty wrong lines are named, the others counted."""
    said = refusal("7\n" * 362 + '{"prompt": "fine"}\n', Format.JSONL)

    assert said[0] == "362 of 363 lines cannot be used, so nothing was written:"
    assert [line.partition(":")[0] for line in said[1:-1]] == [f"  line {number}" for number in range(1, 51)]
    assert said[-1] == "  … and 312 more"


def test_pipe_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither empty lines nor wrong ones are read for ever; what was wrong until then is said."""
    monkeypatch.setattr(batch_file, "MAX_LINES", 100)
    monkeypatch.setattr(batch_file, "MAX_WRONG", 60)

    for file_format, line in product(Format, (b"\n", b" \r\n")):
        lines = chain([b"prompt\n"] if file_format is Format.CSV else [], repeat(line))
        with pytest.raises(UsageProblem, match="there are more than 100 lines in it"):
            read(text_lines(lines), file_format)
    with pytest.raises(UsageProblem, match="60 of 60 lines cannot be used, and the rest was not read") as caught:
        read(text_lines(repeat(b"x\n")), Format.JSONL)
    assert str(caught.value).splitlines()[-1] == "  … and 10 more"


def test_many_names_given_twice_cost_no_time() -> None:
    """A line made to keep the reader busy is refused as quickly as any other."""
    line = "{" + ",".join(['"a": 1'] * 100_000) + "}"
    header = ",".join(["prompt"] * 100_000)

    assert refusal(line, Format.JSONL)[1] == "  line 1: names given twice: a"
    assert refusal(header, Format.CSV)[1] == "  line 1: columns given twice: prompt"


@pytest.mark.parametrize("content", ["", " \n\n"])
@pytest.mark.parametrize("file_format", Format)
def test_empty_file_is_no_batch(content: str, file_format: Format) -> None:
    """A file without a task is refused."""
    assert refusal(content, file_format) == ["there is no task in it"]


def test_header_alone_is_no_batch() -> None:
    """A CSV file with no record is refused."""
    assert refusal("prompt,size\n", Format.CSV) == ["there is no task in it"]


def test_too_many_tasks_are_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has a largest size; a larger file is refused before it fills the memory."""
    monkeypatch.setattr(batch_file, "MAX_TASKS", 2)

    assert len(read_jsonl(['{"prompt": "a"}'] * 2)) == 2
    assert refusal('{"prompt": "a"}\n' * 3, Format.JSONL) == [
        "there are more than 2 tasks in it: make several batches of them"
    ]


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("a.jsonl", Format.JSONL),
        ("dir.csv/A.NDJSON", Format.JSONL),
        ("a.json-lines", Format.JSONL),
        ("a.b.CSV", Format.CSV),
        ("a.json", None),
        ("jsonl", None),
        ("a.txt", None),
    ],
)
def test_ending_tells_the_format(name: str, file_format: Format | None) -> None:
    """The format of a file is that of its ending, whatever its case; another ending tells none."""
    assert format_of(name) is file_format


@given(st.binary(max_size=200), st.sampled_from(Format))
def test_no_file_breaks_the_reader(content: bytes, file_format: Format) -> None:
    """Whatever bytes a file holds, it is a batch or is refused."""
    with suppress(UsageProblem):
        assert read_bytes(content, file_format) != []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["prompt", "model", "reference_url", "duration", "size", "meta"]), JSON))
def test_what_is_read_is_what_was_written(fields: dict[str, Any]) -> None:
    """A line that is accepted becomes a task with exactly the fields that were given."""
    try:
        (task,) = read_jsonl([json.dumps(fields)])
    except UsageProblem:
        return
    given_fields = {name: value for name, value in fields.items() if not (isinstance(value, str) and not value.strip())}
    assert {name: getattr(task, name) for name in given_fields} == given_fields
