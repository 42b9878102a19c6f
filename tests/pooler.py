"""Runs the suite through PgBouncer in transaction mode, where it is installed: `python -m tests.pooler ARGUMENTS`.

As a plugin of pytest (`-p tests.pooler`) it leads every database of a test through the pooler that this program
started; migrations and administration go to the server itself, as operators are told to do.
"""

import inspect
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batchctl.embedded import FORGETFUL, serve
from tests.conftest import scratch_directory

_VARIABLE = "BATCHCTL_TEST_POOLER_PORT"
_PORT = os.environ.get(_VARIABLE, "")
"""Read at once, since tests may clear the environment."""
_START_S = 5.0
"""A pooler that cannot be reached after so long has not started."""
DIRECT = {
    "tests/cli/test_migrate.py::test_operators_and_workers_need_their_roles_only": "gives roles by an option",
    "tests/test_roles.py": "gives roles by an option",
    "tests/faults/test_kills.py": "sets the clock by an option, the search path",
    "tests/faults/test_database.py": "sets the clock by an option, the search path",
    "tests/races/test_retries.py::test_serialization_failure_is_repeated_as_a_whole": "sets isolation by an option",
    "tests/races/test_create.py::test_two_at_once_enqueue_one_batch": "looks for a session by its number",
    "tests/races/test_dispatch.py::test_second_dispatcher_waits_for_the_wallet": "looks for a session by its number",
    "tests/service/test_submit.py::test_nothing_is_open_while_a_request_is_away": "looks at the sessions of the server",
    "tests/service/test_dispatch.py::test_number_of_statements": "counts the statements of a session",
    "tests/service/test_outage.py": "the pooler notices late that the database is back",
    "tests/faults/test_receiver.py::test_database_goes_when": "the pooler notices late that the database is back",
    "tests/test_pooler.py": "has poolers of its own",
    "tests/cli/test_prune.py::test_operators_look": "becomes another role by an option",
    "tests/service/test_hold.py::test_operators_role": "becomes another role by an option",
    "tests/races/test_cancel.py::test_cancellation_waits": "looks at the sessions of the server",
    "tests/cli/test_worker.py": "is about being woken, which no pooler lets through; one test has a pooler of its own",
    "tests/service/test_worker.py::test_new_connection_counts_as_word": "is about being woken",
    "tests/test_db.py::test_database_that_is_away_is_waited_for": "the pooler notices late that the database is back",
    "tests/test_db.py::test_options_of_the_address_come_on_top": "is about options",
}
"""What has no meaning through a pooler, by the beginning of the test's id, and why."""


@contextmanager
def pooler(server: str, directory: Path, *, ignored: str = "") -> Iterator[int]:
    """Start PgBouncer in front of a server on a local socket and give its port; it forgets the parameters `ignored`."""
    given = conninfo_to_dict(server)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    file = directory / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n* = host={given['host']} port={given['port']} user={given['user']}\n"
        "[pgbouncer]\npool_mode = transaction\nauth_type = any\nunix_socket_dir =\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\n"
        "max_client_conn = 1000\ndefault_pool_size = 50\nserver_idle_timeout = 5\nserver_round_robin = 1\n"
        "query_wait_timeout = 3\nserver_login_retry = 1\n"
        f"ignore_startup_parameters = extra_float_digits{ignored and ','}{ignored}\n"
    )
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, "PgBouncer is not installed (Debian: apt-get install pgbouncer)"
    # The server's socket is for its own account, and PgBouncer does not run as root.
    host = Path(str(given["host"]))
    account = pwd.getpwuid(host.stat().st_uid).pw_name if host.is_absolute() else "nobody"
    command = [program, "--quiet", *(["--user", account] if os.geteuid() == 0 else []), str(file)]
    with (directory / "pgbouncer.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await(port)
            yield port
        finally:
            process.terminate()


def _await(port: int) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end_s, "PgBouncer did not start"
        else:
            return


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has no meaning here."""
    left_out = [item for item in items if item.nodeid.startswith(tuple(DIRECT))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_configure() -> None:
    """Have the tests' own connections prepare nothing; those of the program must see to that themselves."""
    connect: Callable[..., Any] = psycopg.connect

    def connect_plainly(*args: Any, **kwargs: Any) -> Any:
        """Connect, and prepare nothing where the module of a test asks for it."""
        made = connect(*args, **kwargs)
        if inspect.stack(0)[1].frame.f_globals["__name__"].startswith("tests."):
            made.prepare_threshold = None
        return made

    psycopg.connect = connect_plainly


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Lead the migrated database of a test through the pooler, whose port comes from the environment."""
    value = yield
    if fixturedef.argname == "dsn":
        value = make_conninfo(value, host="127.0.0.1", port=_PORT)
        fixturedef.cached_result = (value, None, None)
    return value


def main(arguments: list[str]) -> int:
    """Start a server and a pooler and run pytest; return its exit code."""
    with scratch_directory() as scratch, serve(scratch, settings=FORGETFUL) as server:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute("create database batchctl_test")
        scratch.chmod(0o755)
        with pooler(server, scratch, ignored=os.environ.get("IGNORE", "")) as port:
            environment = {
                **os.environ,
                "BATCHCTL_TEST_DSN": make_conninfo(server, dbname="batchctl_test"),
                _VARIABLE: str(port),
            }
            command = [sys.executable, "-m", "pytest", "-p", "tests.pooler", *arguments]
            return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
