"""The provider's journal keeps what happened, in memory and on disk, and its oracles count right."""

import json
import threading
from pathlib import Path

from batchctl.simulator.journal import Polled, ProviderJournal, Submitted
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.script import Script
from batchctl.simulator.server import Request

from .client import RESULT, SORA, ask, post, submit, submitted_id


def test_journal_has_what_was_sent() -> None:
    """A submission is kept with its whole body and its headers but the token; a question with its answer."""
    body = {"model": "sora-2", "prompt": "ein Kätzchen \u202e", "duration": 15, "webHook": "-1"}
    with SimulatedProvider() as provider:
        headers = {"Authorization": "Bearer t", "X-Extra": "yes"}
        remote_id = post(provider.base_url, SORA, json.dumps(body).encode(), headers).json["data"]["id"]
        ask(provider, remote_id)
        submission, question = provider.journal.entries
    assert isinstance(submission, Submitted)
    assert submission.body == body
    assert (submission.prompt, submission.model, submission.remote_id) == (body["prompt"], "sora-2", remote_id)
    assert submission.headers["x-extra"] == "yes"
    assert "authorization" not in submission.headers
    assert isinstance(question, Polled)
    assert question.remote_id == remote_id
    assert question.answer.startswith('200 {"code": 0')
    assert question.at_s >= submission.at_s


def test_journal_file_is_the_journal(tmp_path: Path) -> None:
    """Each entry is in the file before its answer is sent, and reads back equal; a torn last line is left out."""
    file = tmp_path / "journal.jsonl"
    with SimulatedProvider(journal=file) as provider:
        remote_id = submitted_id(provider, "ein Kätzchen")
        ask(provider, remote_id)
        submit(provider, "[sim: submit=500]")
        assert ProviderJournal.read(file).entries == provider.journal.entries
    with file.open("ab") as torn:
        torn.write(b'{"at_s": 1')
    assert ProviderJournal.read(file).entries == provider.journal.entries
    with SimulatedProvider(journal=file) as provider:
        submit(provider, "appended, not overwritten")
    assert file.read_bytes().count(b"\n") == 4


def test_oracles_count_double_acceptance_and_open_tasks() -> None:
    """A prompt accepted twice shows up as 2, and open tasks are counted until their end was answered."""
    with SimulatedProvider() as provider:
        first = submitted_id(provider, "same")
        submitted_id(provider, "same")
        ask(provider, first)
        ask(provider, first)
        third = submitted_id(provider, "[sim: fail=error]")
        assert provider.journal.max_open_tasks == 2
        ask(provider, third)
        submitted_id(provider, "[sim: never]")
        assert provider.journal.max_open_tasks == 2
        submitted_id(provider, "one more")
        assert provider.journal.max_open_tasks == 3
        assert provider.journal.accepted_per_prompt()["same"] == 2
        assert list(provider.journal.delivered()) == [first]
        assert provider.journal.max_in_flight == 1


def test_many_clients_at_once() -> None:
    """Submissions from many threads are each accepted once under an id of their own; the peak is seen."""
    clients = 8
    together = threading.Barrier(clients, timeout=5)

    def choose(prompt: str, _model: str) -> Script:
        if prompt.endswith(" 0"):
            together.wait()
        return Script()

    def work(provider: SimulatedProvider, client: int) -> None:
        for number in range(10):
            submit(provider, f"{client} {number}")

    with SimulatedProvider(script_for=choose) as provider:
        threads = [threading.Thread(target=work, args=(provider, client)) for client in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal = provider.journal
    assert journal.accepted_per_prompt() == {
        f"{client} {number}": 1 for client in range(clients) for number in range(10)
    }
    assert len({entry.remote_id for entry in journal.accepted}) == clients * 10
    assert journal.max_in_flight == clients


def test_hook_sees_each_request_before_it_counts() -> None:
    """`on_request` is called with every request before the journal has it."""
    seen: list[tuple[str, int]] = []

    def look(request: Request) -> None:
        seen.append((request.path, len(provider.journal.entries)))

    with SimulatedProvider(on_request=look) as provider:
        ask(provider, submitted_id(provider, "a cat"))
    assert seen == [(SORA, 0), (RESULT, 1)]
