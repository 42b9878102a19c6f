"""The wheel carries everything: installed elsewhere, the command runs and finds its SQL."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without isolation since that would fetch what no lock names."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_every_sql_file(wheel: Path) -> None:
    """Each file under sql/ is in the wheel, where an installed package looks for it; so is the demonstration's file."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"batchctl/_sql/{file.relative_to(ROOT / 'sql')}" for file in (ROOT / "sql").rglob("*.sql")}

    assert len(wanted) > 30
    assert wanted - packed == set()
    assert "batchctl/simulator/demo/boats.jsonl" in packed


def test_installed_command_runs_elsewhere(wheel: Path, empty_dsn: str, tmp_path: Path) -> None:
    """Away from the checkout the installed package says its version and migrates a database."""
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "BATCHCTL_DATABASE_URL": empty_dsn}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "batchctl", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    where = [sys.executable, "-P", "-c", "import batchctl; print(batchctl.__file__)"]
    assert str(target) in subprocess.run(where, env=environment, check=True, capture_output=True, text=True).stdout
    assert run("--version").startswith("batchctl 0.")
    assert "applied 0001" in run("migrate")
    assert run("migrate", "--check") == "up to date\n"
