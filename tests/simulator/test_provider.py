"""The simulated provider answers as scripted and remembers exactly what happened."""

import gzip
from http.client import RemoteDisconnected
from time import monotonic
from typing import Any

import pytest

from batchctl.simulator.answer import Manner
from batchctl.simulator.faults import fault_named, http_status, refusal
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.script import End, Script, ScriptFor

from .client import RESULT, SORA, VEO, ask, await_true, post, submit, submitted_id


def always(script: Script) -> ScriptFor:
    """Return a chooser that treats every task alike."""
    return lambda _prompt, _model: script


@pytest.mark.parametrize(
    ("id_at", "answer"),
    [
        ("data.id", {"data": {"id": "r-1"}}),
        ("id", {"id": "r-1"}),
        ("task_id", {"task_id": "r-1"}),
        ("data.task_id", {"data": {"task_id": "r-1"}}),
    ],
)
def test_id_at_each_of_its_places(id_at: str, answer: dict[str, Any]) -> None:
    """The id stands where the script says, and the task can be asked for under it."""
    with SimulatedProvider(script_for=always(Script(id_at=id_at, remote_id="r-1"))) as provider:
        assert submit(provider, "a cat").json == {"code": 0, "msg": "success", **answer}
        assert ask(provider, "r-1").json["data"]["status"] == "succeeded"


def test_latencies_delay_their_own_answers() -> None:
    """Submission and result wait each for its own latency; an accepted task is journalled before the wait."""
    with SimulatedProvider(script_for=always(Script(submit_latency_s=0.1, remote_id="r-1"))) as provider:
        began_s = monotonic()
        submit(provider, "a cat")
        assert monotonic() - began_s >= 0.1
        with pytest.raises(TimeoutError):
            submit(provider, "another", timeout_s=0.05)
        await_true(lambda: provider.journal.accepted_per_prompt()["another"] == 1)
    with SimulatedProvider(script_for=always(Script(poll_latency_s=0.1))) as provider:
        remote_id = submitted_id(provider, "a cat")
        began_s = monotonic()
        ask(provider, remote_id)
        assert monotonic() - began_s >= 0.1


def test_unknown_id_and_unknown_path() -> None:
    """An id that was never given is code -22 with HTTP 200; other paths are 404, a body that is no object 400."""
    with SimulatedProvider() as provider:
        unknown = ask(provider, "no-such-id")
        assert (unknown.status, unknown.json["code"]) == (200, -22)
        assert post(provider.base_url, "/v1/video/result", b"{}").status == 404
        assert post(provider.base_url, SORA, b"not json").status == 400
        assert post(provider.base_url, RESULT, b"[]").status == 400
        assert [entry.remote_id for entry in provider.journal.polls] == ["no-such-id"]
        assert provider.journal.submissions == ()


@pytest.mark.parametrize(
    ("word", "status", "body"),
    [
        ("500", 500, b'{"msg":"HTTP 500"}'),
        ("code", 200, b'{"code": -1, "data": null, "msg": "insufficient credits"}'),
        ("malformed", 200, None),
        ("html", 200, None),
        ("empty", 200, b""),
        ("utf16", 200, None),
        ("nested", 200, None),
        ("no_id", 200, b'{"code": 0, "msg": "success", "data": {}}'),
    ],
)
def test_submission_answered_otherwise(word: str, status: int, body: bytes | None) -> None:
    """A fault is answered in place of the acceptance, and the task is not accepted."""
    with SimulatedProvider() as provider:
        reply = submit(provider, f"[sim: submit={word}]")
        assert reply.status == status
        if body is not None:
            assert reply.body == body
        (entry,) = provider.journal.submissions
        assert entry.remote_id is None
        assert str(status) in entry.answer
        assert provider.journal.accepted == ()


def test_gzip_bomb_is_small_on_the_wire() -> None:
    """The compressed answer is announced as gzip and is 64 MiB when inflated."""
    bomb = fault_named("gzip_bomb")
    with SimulatedProvider(script_for=always(Script(submit_fault=bomb))) as provider:
        reply = submit(provider, "a cat")
    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.body) < 1 << 19
    assert len(gzip.decompress(reply.body)) == 64 << 20


@pytest.mark.parametrize(
    ("manner", "error"),
    [
        (Manner.HANG, TimeoutError),
        (Manner.CLOSE, RemoteDisconnected),
        (Manner.RESET, ConnectionResetError),
    ],
)
@pytest.mark.parametrize("accepts", [False, True])
def test_lost_answer_to_a_submission(manner: Manner, error: type[Exception], *, accepts: bool) -> None:
    """When the answer is lost the client cannot tell; the journal can, and only an accepted task exists."""
    script = Script(submit_fault=manner, accepts=accepts, remote_id="r-1")
    with SimulatedProvider(script_for=always(script)) as provider:
        with pytest.raises(error):
            submit(provider, "a cat", timeout_s=0.2)
        await_true(lambda: provider.journal.submissions)
        assert provider.journal.accepted_per_prompt() == ({"a cat": 1} if accepts else {})
        assert provider.journal.submissions[0].answer == manner.value
        assert ask(provider, "r-1").json["code"] == (0 if accepts else -22)


def test_fault_of_the_first_submissions_only() -> None:
    """With `submit_times` the prompt's first submissions meet the fault and later ones are accepted; others none."""
    with SimulatedProvider() as provider:
        first, second, third = (submit(provider, "[sim: submit=503 submit_times=2 retry_after=7]") for _ in range(3))
        assert submit(provider, "another").json["code"] == 0
        assert len(provider.journal.accepted) == 2
    assert [first.status, second.status, third.status] == [503, 503, 200]
    assert first.headers["retry-after"] == "7"
    assert third.json["data"]["id"]


def test_dripping_acceptance_is_an_acceptance() -> None:
    """A dripping answer arrives in the end, so the task is accepted and the answer has its id."""
    with SimulatedProvider(script_for=always(Script(submit_fault=Manner.DRIP))) as provider:
        with pytest.raises(TimeoutError):
            submit(provider, "a cat", timeout_s=0.05)
        await_true(lambda: provider.journal.submissions)
        assert provider.journal.accepted_per_prompt() == {"a cat": 1}


@pytest.mark.parametrize("fault", [http_status(502), refusal(-22, "not yet"), refusal(-1, "busy"), Manner.RESET])
def test_fault_of_the_first_questions(fault: Any) -> None:
    """The first questions meet the fault and do not count; afterwards the task goes its way."""
    script = Script(poll_fault=fault, poll_times=2, polls=2)
    with SimulatedProvider(script_for=always(script)) as provider:
        remote_id = submitted_id(provider, "a cat")
        for _ in range(2):
            if isinstance(fault, Manner):
                with pytest.raises(ConnectionResetError):
                    ask(provider, remote_id)
            else:
                reply = ask(provider, remote_id)
                assert (reply.status, reply.body) == (fault.status, fault.body)
        assert provider.journal.delivered() == {}
        statuses = [ask(provider, remote_id).json["data"]["status"] for _ in range(2)]
        assert statuses == ["running", "succeeded"]
        assert list(provider.journal.delivered()) == [remote_id]
        assert [entry.ended for entry in provider.journal.polls] == [False, False, False, True]


def test_lost_success_is_not_delivered() -> None:
    """An answer of success that never arrives is neither an end nor a delivery."""
    with SimulatedProvider(script_for=always(Script(poll_fault=Manner.RESET))) as provider:
        remote_id = submitted_id(provider, "a cat")
        with pytest.raises(ConnectionResetError):
            ask(provider, remote_id)
        assert provider.journal.delivered() == {}
        assert not provider.journal.polls[0].ended


def test_result_of_another_task() -> None:
    """`wrong_id` answers success for another id, which delivers nothing."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "[sim: poll=wrong_id poll_times=1]")
        data = ask(provider, remote_id).json["data"]
        assert data["status"] == "succeeded"
        assert data["id"] != remote_id
        assert provider.journal.delivered() == {}
        assert ask(provider, remote_id).json["data"]["id"] == remote_id


def test_api_key_is_checked_and_never_kept() -> None:
    """A wrong or missing token is HTTP 401 and accepts nothing; the journal has the attempt but no token at all."""
    with SimulatedProvider(api_key="right-token") as provider:
        assert submit(provider, "wrong", key="wrong-token").status == 401
        assert ask(provider, "x").status == 401
        assert submit(provider, "right", key="right-token").status == 200
        entries = provider.journal.entries
        assert provider.journal.accepted_per_prompt() == {"right": 1}
        assert len(provider.journal.submissions) == 2
    assert "-token" not in repr(entries)


def test_down_and_up_again() -> None:
    """While down every connection is reset and nothing is journalled; afterwards all is as before."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "before")
        provider.down = True
        for _ in range(2):
            with pytest.raises(ConnectionError):
                submit(provider, "while down")
        provider.down = False
        assert ask(provider, remote_id).json["data"]["status"] == "succeeded"
        assert provider.journal.accepted_per_prompt() == {"before": 1}
        assert len(provider.journal.submissions) == 1


def test_status_answers_every_request() -> None:
    """While `status` is set it answers everything, and a task's own script does not move."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "[sim: poll=404 poll_times=1]")
        provider.status = http_status(429, retry_after="30", body=b"slow down")
        replies = [submit(provider, "[sim: submit=500 submit_times=1]"), ask(provider, remote_id), ask(provider, "x")]
        assert {(reply.status, reply.body) for reply in replies} == {(429, b"slow down")}
        assert {reply.headers["retry-after"] for reply in replies} == {"30"}
        provider.status = None
        assert ask(provider, remote_id).status == 404
        assert submit(provider, "[sim: submit=500 submit_times=1]").status == 500


def test_drained_account_refuses_submissions_only() -> None:
    """While `account` is set submissions get code -1 with its msg under HTTP 200; results still come."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "before")
        provider.account = "insufficient credits"
        reply = submit(provider, "while drained")
        assert (reply.status, reply.json) == (200, {"code": -1, "data": None, "msg": "insufficient credits"})
        assert ask(provider, remote_id).json["data"]["status"] == "succeeded"
        provider.account = None
        assert submit(provider, "after").json["code"] == 0
        assert provider.journal.accepted_per_prompt() == {"before": 1, "after": 1}


def test_stopped_provider_refuses_and_remembers() -> None:
    """After a stop connections are refused; a restart knows the tasks of before, at the same address."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "a cat")
        base_url = provider.base_url
        provider.stop()
        with pytest.raises(ConnectionRefusedError):
            ask(provider, remote_id)
        provider.start()
        assert provider.base_url == base_url
        assert ask(provider, remote_id).json["data"]["id"] == remote_id


def test_script_is_chosen_by_prompt_and_model() -> None:
    """The chooser is asked with the prompt and the model of each submission."""
    asked: list[tuple[str, str]] = []

    def choose(prompt: str, model: str) -> Script:
        asked.append((prompt, model))
        return Script(end=End.FAIL) if model.startswith("veo") else Script()

    with SimulatedProvider(script_for=choose) as provider:
        remote_ids = [submitted_id(provider, "a cat", path=path) for path in (SORA, VEO)]
        assert [ask(provider, one).json["data"]["status"] for one in remote_ids] == ["succeeded", "failed"]
    assert asked == [("a cat", "sora-2"), ("a cat", "veo3.1-fast")]
