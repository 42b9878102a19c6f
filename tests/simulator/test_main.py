"""Each simulator runs as a process of its own and leaves its journal behind."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import batchctl
from batchctl.simulator.journal import Check, ProviderJournal, ReceiverJournal

from .client import SORA, post


@contextmanager
def running(*arguments: str) -> Generator[str]:
    """Run the simulator, yield its base URL, and kill it without warning."""
    command = [sys.executable, "-m", "batchctl.simulator", *arguments]
    root = Path(batchctl.__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_provider_process(tmp_path: Path) -> None:
    """The first line is the base URL; key and script hold; after a kill -9 the journal has what was accepted."""
    file = tmp_path / "provider.jsonl"
    arguments = ("provider", "--port", "0", "--journal", str(file), "--api-key", "k", "--script", "submit=503 polls=3")
    with running(*arguments) as base_url:
        body = b'{"model":"sora-2","prompt":"%s"}'
        assert post(base_url, SORA, body % b"one").status == 401
        assert post(base_url, SORA, body % b"two", {"Authorization": "Bearer k"}).status == 503
        accepted = body % b"three [sim: submit_times=0]"
        assert post(base_url, SORA, accepted, {"Authorization": "Bearer k"}).status == 200
    journal = ProviderJournal.read(file)
    assert [entry.prompt for entry in journal.submissions] == ["one", "two", "three [sim: submit_times=0]"]
    assert list(journal.accepted_per_prompt()) == ["three [sim: submit_times=0]"]


def test_receiver_process(tmp_path: Path) -> None:
    """The receiver verifies with the given secret and leaves the exact body behind."""
    file = tmp_path / "receiver.jsonl"
    with running("receiver", "--journal", str(file), "--secret", "s") as base_url:
        assert post(base_url, "/hook?sim=202", b"{}", {"x-webhook-signature": "no"}).status == 202
    (entry,) = ReceiverJournal.read(file).entries
    assert (entry.path, entry.body, entry.hex_signature) == ("/hook?sim=202", b"{}", Check.WRONG)
