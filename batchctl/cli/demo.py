"""`batchctl demo`."""

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from batchctl.cli import output

if TYPE_CHECKING:
    from batchctl.domain.report import PassReport

SECRET = "demo-secret"  # noqa: S105 - known to everybody: it signs the demonstration's own events


def demo() -> None:
    """Watch a batch go through dispatch, poll, settle and webhook, on a PostgreSQL and a provider of its own."""
    from batchctl.domain.batch_file import read_jsonl
    from batchctl.domain.problem import Problem
    from batchctl.embedded import FORGETFUL, serve
    from batchctl.render import batches
    from batchctl.service.demo import CREDITS, STEP_S, play
    from batchctl.service.migrate import migrate
    from batchctl.settings import Settings
    from batchctl.simulator.provider import SimulatedProvider
    from batchctl.simulator.receiver import Receiver
    from batchctl.wiring import open_world, sleep

    tasks = read_jsonl((files("batchctl.simulator") / "demo.jsonl").read_text("utf-8").splitlines())
    with (
        tempfile.TemporaryDirectory(prefix="batchctl-demo-", ignore_cleanup_errors=True) as name,
        SimulatedProvider(api_key="demo-key") as provider,
        Receiver(secret=SECRET) as receiver,
    ):
        Path(name).chmod(0o711)  # as root the server runs as another account, which must get through
        with serve(Path(name), settings=FORGETFUL) as conninfo:
            settings = Settings.model_validate(
                {
                    "BATCHCTL_DATABASE_URL": conninfo,
                    "GRSAI_HOST": provider.base_url,
                    "GRSAI_API_KEY": "demo-key",
                    "ENTERPRISE_WEBHOOK_SECRET": SECRET,
                    "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
                }
            )
            output.write("batchctl demo: a PostgreSQL of its own; provider and receiver are simulated on loopback")
            with open_world(settings) as world:
                applied = migrate(world.db, sleep).applied
                output.write(f"\nmigrate    {len(applied)} migrations applied")
                output.write(f"seed       1 customer with {CREDITS} credits, 1 batch of {len(tasks)} tasks")
                output.write(f"passes     between two of them time is moved on by {STEP_S:.0f} s\n")
                url = f"{receiver.base_url}/hook?sim=500&times=1"
                passes = _Passes()
                report = play(world, uuid4(), tasks, url, passes.show)
                passes.close()
    output.show_tables(batches.batches(report.batches))
    output.show_tables(batches.money(granted=report.granted, spent=report.spent, balance=report.balance))
    badly_signed = receiver.journal.badly_signed()
    tries = len(receiver.journal.entries)
    output.write(f"webhooks   {tries} requests, {len(receiver.journal.per_id())} event, every signature verified")
    if badly_signed or not report.adds_up:
        raise Problem("the sums do not add up, or a signature is wrong: please report this")
    output.write("sums       add up: frozen = charged + given back, wallet = ledger\n")
    output.write('Next: "On your own database" in README.md')


class _Passes:
    """Tells pass after pass; those that did the same are told once."""

    def __init__(self) -> None:
        self._first = self._last = 0
        self._told = ""

    def show(self, number: int, report: "PassReport") -> None:
        """Take note of a pass, and tell the ones before it if it did something else."""
        from batchctl.render import words

        lines = [f"{name}: {text}" for name, text in words.stages(report) if text != words.NOTHING]
        told = "\n           ".join(lines)
        if told != self._told:
            self.close()
            self._first, self._told = number, told
        self._last = number

    def close(self) -> None:
        """Tell what was not told yet."""
        if self._told:
            numbers = str(self._first) if self._first == self._last else f"{self._first}-{self._last}"
            output.write(f"pass {numbers:<5} {self._told}")
