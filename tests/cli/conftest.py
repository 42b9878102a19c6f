"""Runs the command line as its user would: an environment and arguments in, both streams and the exit code out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from batchctl.cli import main, output
from tests.conftest import scratch_directory
from tests.reference import file_name, schemas
from tests.scenario import SECRET, Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one JSON document on stdout, which must be as docs/json describes it."""
        document = json.loads(self.out)
        if "schema" in document:
            validate(document, schemas()[file_name(document["schema"])])  # pyright: ignore[reportUnknownMemberType]  # its stubs leave types out
        return document


@dataclass(slots=True)
class Shell:
    """A shell with an environment of its own."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run batchctl with these arguments; `environment` is set for this command only."""
        with self.monkeypatch.context() as patch:
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            self.capsys.readouterr()
            code = main(arguments)
        streams = self.capsys.readouterr()
        return Ran(code=code, out=streams.out, err=streams.err)

    def on_terminal(self, columns: int, *arguments: str, **environment: str) -> Ran:
        """Run batchctl as on a terminal so many columns wide, without colours."""
        with self.monkeypatch.context() as patch:
            patch.setattr(output, "is_terminal", lambda: True)
            return self.run(*arguments, COLUMNS=str(columns), **environment)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a shell in which nothing of batchctl is set."""
    for name in ("BATCHCTL_DATABASE_URL", "DATABASE_URL", "GRSAI_API_KEY", "GRSAI_HOST", "ENTERPRISE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return Shell(capsys, monkeypatch)


@pytest.fixture
def office(company: Company, shell: Shell) -> Shell:
    """Give a shell that works for the company: its database, its provider, its secret."""
    shell.environment = {
        "BATCHCTL_DATABASE_URL": company.dsn,
        "GRSAI_HOST": company.provider.base_url,
        "GRSAI_API_KEY": "sk-test",
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
    }
    return shell


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """Give a directory in which demonstrations of this run keep their database."""
    with scratch_directory() as scratch:
        yield scratch / "kept"
