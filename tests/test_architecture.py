"""What the tree itself must look like: sizes, names, documentation, and rules that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SQL = ROOT / "sql"

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
MADE_BY_TOOLS = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
HEAVY_MODULES = {"httpcore", "httpx", "psycopg", "pydantic_settings"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """Return the Python files of folders, those that do not exist left out."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def statement_files() -> list[Path]:
    """Return the SQL files that hold one statement each."""
    return sorted(path for path in SQL.glob("*/*.sql") if path.parent.name not in {"migrations", "roles"})


def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def shown(path: Path, line: int | None = None) -> str:
    """Name a place the way an editor opens it."""
    return f"{path.relative_to(ROOT)}" + (f":{line}" if line else "")


def public_definitions(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Yield what a module or a class offers to others; what stands inside a function is its own business."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def test_modules_are_small() -> None:
    """No module of the package has more than 300 lines."""
    sizes = {shown(path): path.read_text().count("\n") for path in python_files("batchctl", "bench")}
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    """No function, tests included, has more than 70 lines."""
    long = [
        shown(path, node.lineno)
        for path in python_files("batchctl", "tests", "bench")
        for node in ast.walk(parsed(path))
        if isinstance(node, Function) and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []


def test_every_module_is_documented() -> None:
    """Every module says what it owns."""
    silent = [shown(path) for path in python_files("batchctl", "tests", "bench") if not ast.get_docstring(parsed(path))]
    assert silent == []


def test_all_that_is_public_is_documented() -> None:
    """Every public class, function and method of the package says what it does."""
    silent = [
        f"{shown(path, node.lineno)} {node.name}"
        for path in python_files("batchctl")
        for node in public_definitions(parsed(path).body)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_test_says_what_must_hold() -> None:
    """Every test has a docstring."""
    silent = [
        f"{shown(path, node.lineno)} {node.name}"
        for path in python_files("tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, Function) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_only_the_database_module_ends_a_transaction() -> None:
    """Transactions are blocks; nothing in the package commits or rolls back by hand."""
    by_hand = [
        shown(path, number)
        for path in python_files("batchctl")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"\.(commit|rollback)\(", line)
    ]
    assert by_hand == []


def test_names_of_files_say_something() -> None:
    """No file is a place for all that found no other place."""
    vague = [
        shown(path)
        for path in (*python_files("batchctl", "tests", "bench"), *SQL.rglob("*.sql"))
        if VAGUE_NAMES & set(path.stem.split("_"))
    ]
    assert vague == []


def test_statements_say_what_they_lock() -> None:
    """Every statement begins with three comments: what it does, what it locks, and what a second run does."""
    head = re.compile(
        r"-- (?!Locks: |Again: )\S.*\n(-- (?!Locks: |Again: ).*\n)*-- Locks: .+\n(-- .*\n)*-- Again: .+\n"
    )
    assert [shown(path) for path in statement_files() if not head.match(path.read_text())] == []


def test_time_is_a_parameter() -> None:
    """No statement asks the server's clock, save the one that exists for it."""
    clock = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
        r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
        re.IGNORECASE,
    )
    asking = [
        shown(path, number)
        for path in statement_files()
        if path != SQL / "clock/now.sql"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if clock.search(line.partition("--")[0])
    ]
    assert asking == []


def test_every_statement_file_has_one_owner() -> None:
    """Every SQL file is named by exactly one Statement of the store, and every Statement names a file."""
    named = [
        node.args[0].value
        for path in python_files("batchctl/store")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split("[")[0].rpartition(".")[2] == "Statement"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert sorted(map(str, named)) == [str(path.relative_to(SQL).with_suffix("")) for path in statement_files()]


def test_locked_files_hold_no_address() -> None:
    """Where packages come from is the business of each machine: a lock names versions and digests only."""
    locks = sorted((ROOT / "requirements").glob("*.lock"))

    assert len(locks) == 2
    assert [path.name for path in locks if "://" in path.read_text() or "--index" in path.read_text()] == []


def test_help_loads_no_heavy_module() -> None:
    """The command line answers --help without the database driver, the HTTP client or the settings."""
    command = [sys.executable, "-X", "importtime", "-m", "batchctl", "--help"]
    helped = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in helped.stderr.splitlines() if line.startswith("import time:")}

    assert "batchctl" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY_MODULES == set()
