"""What the simulated provider answers about a task, from its first question to its end."""

from typing import Any

import pytest

from batchctl.simulator.provider import SimulatedProvider

from .client import VEO, ask, submit, submitted_id


def test_sora_task_runs_and_succeeds() -> None:
    """A Sora task reports a rising progress below 100, then success with its link in results[0].url."""
    with SimulatedProvider() as provider:
        accepted = submit(provider, "a cat [sim: polls=3]").json
        remote_id = accepted["data"]["id"]
        first, second, third, again = (ask(provider, remote_id).json for _ in range(4))
    assert accepted == {"code": 0, "msg": "success", "data": {"id": remote_id}}
    assert [first["data"]["status"], second["data"]["status"]] == ["running", "running"]
    assert 0 < first["data"]["progress"] < second["data"]["progress"] < 100
    assert first["data"]["results"] == []
    assert third["code"] == 0
    assert third["data"]["status"] == "succeeded"
    assert third["data"]["progress"] == 100
    assert third["data"]["id"] == remote_id
    assert set(third["data"]["results"][0]) == {"url", "removeWatermark", "pid"}
    assert third["data"]["results"][0]["url"] == provider.journal.delivered()[remote_id]
    assert (third["data"]["failure_reason"], third["data"]["error"]) == ("", "")
    assert again == third


def test_veo_task_gives_its_link_at_the_top() -> None:
    """A Veo task has its link as url and no results."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "[sim: url=https://cdn.example/v.mp4]", path=VEO)
        data = ask(provider, remote_id).json["data"]
    assert data["url"] == "https://cdn.example/v.mp4"
    assert "results" not in data


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fail=input_moderation", {"status": "failed", "failure_reason": "input_moderation", "results": []}),
        ("error='quota of the model'", {"status": "failed", "failure_reason": "error", "error": "quota of the model"}),
        ("fail=error status=violation", {"status": "violation"}),
        ("status=success", {"status": "success", "progress": 100}),
        ("url=", {"status": "succeeded", "results": []}),
        ("never", {"status": "running"}),
        ("never running=queued progress=null", {"status": "queued", "progress": None}),
        ("never running=null", {"status": None}),
    ],
)
def test_answer_of_an_end(words: str, expected: dict[str, Any]) -> None:
    """The first answer about a task says what its directive asks for."""
    with SimulatedProvider() as provider:
        data = ask(provider, submitted_id(provider, f"[sim: {words}]")).json["data"]
    assert {name: data[name] for name in expected} == expected


def test_never_and_scripted_progress() -> None:
    """A task that never ends gives its scripted progress in turn, then the last one for ever."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "[sim: never progress=80,20,101]")
        answers = [ask(provider, remote_id).json["data"] for _ in range(4)]
        assert provider.journal.delivered() == {}
    assert [data["progress"] for data in answers] == [80, 20, 101, 101]
    assert {data["status"] for data in answers} == {"running"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("flips polls=2", ["running", "succeeded", "failed", "succeeded"]),
        ("flips fail=error", ["failed", "succeeded", "failed", "succeeded"]),
    ],
)
def test_end_that_flips(words: str, told: list[str]) -> None:
    """A task that flips tells one end, then the other, and gives its link with each success."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, f"[sim: {words}]")
        answers = [ask(provider, remote_id).json["data"] for _ in told]
    assert [data["status"] for data in answers] == told
    assert [bool(data["results"]) for data in answers] == [status == "succeeded" for status in told]


def test_success_without_link_comes_before_the_one_with_it() -> None:
    """`urlless` answers of success come first; the task counts as delivered only with its link."""
    with SimulatedProvider() as provider:
        remote_id = submitted_id(provider, "[sim: polls=2 urlless=2]")
        answers: list[tuple[str, int, bool]] = []
        for _ in range(4):
            data = ask(provider, remote_id).json["data"]
            answers.append((data["status"], len(data["results"]), remote_id in provider.journal.delivered()))
    assert answers == [
        ("running", 0, False),
        ("succeeded", 0, False),
        ("succeeded", 0, False),
        ("succeeded", 1, True),
    ]
