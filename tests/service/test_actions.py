"""The record of what operators change: begun before anything is changed, completed whatever came of it."""

import pytest

from batchctl.domain.action import Command, Outcome
from batchctl.domain.problem import Problem
from batchctl.service.actions import acting, list_newest
from tests.scenario import Company

CANCEL = Command(os_user="ann", host="desk", name="batch cancel", arguments={"batch": ["0033"]}, reason="asked to")


def test_action_is_recorded_with_what_came_of_it(company: Company) -> None:
    """The record stands before anything is changed, and ends with the counts."""
    with acting(company.world, CANCEL) as tally:
        (running,) = list_newest(company.world, limit=5).actions
        company.clock.advance(3)
        tally.matched_count, tally.changed_count, tally.credits = 3, 2, 40

    (done,) = list_newest(company.world, limit=5).actions
    assert (running.outcome, running.ended_at, running.changed_count) == (Outcome.RUNNING, None, 0)
    assert (done.id, done.os_user, done.host, done.command) == (running.id, "ann", "desk", "batch cancel")
    assert (done.arguments, done.reason) == ({"batch": ["0033"]}, "asked to")
    assert (done.outcome, done.matched_count, done.changed_count, done.credits) == (Outcome.DONE, 3, 2, 40)
    assert done.ended_at is not None
    assert (done.ended_at - done.began_at).total_seconds() == 3


@pytest.mark.parametrize(
    ("error", "outcome", "told"),
    [
        (Problem("there is no such batch"), Outcome.FAILED, "there is no such batch"),
        (ValueError("prompt of a customer"), Outcome.FAILED, "ValueError"),
        (KeyboardInterrupt(), Outcome.INTERRUPTED, "KeyboardInterrupt"),
    ],
)
def test_action_that_fails_is_recorded(company: Company, error: BaseException, outcome: Outcome, told: str) -> None:
    """What was changed until then counts; of an error that is no problem for operators only the kind is kept."""

    def fail() -> None:
        with acting(company.world, CANCEL) as tally:
            tally.changed_count = 1
            raise error

    with pytest.raises(type(error)):
        fail()

    (failed,) = list_newest(company.world, limit=5).actions
    assert (failed.outcome, failed.error, failed.changed_count) == (outcome, told, 1)


def test_list_is_chosen_by_time_account_and_command(company: Company) -> None:
    """A group stands for all of its commands, but not for another whose name begins alike; the newest come first."""
    began = company.clock.now
    for os_user, name in (("ann", "batch cancel"), ("bob", "batches"), ("bob", "batch retry")):
        command = Command(os_user=os_user, host="desk", name=name, arguments={}, reason=None)
        with acting(company.world, command):
            company.clock.advance(60)

    def names(**chosen: object) -> list[str]:
        return [action.command for action in list_newest(company.world, limit=2, **chosen).actions]  # type: ignore[arg-type]  # options of any kind

    assert names() == ["batch retry", "batches"]
    assert list_newest(company.world, limit=2).more
    assert names(command="batch") == ["batch retry", "batch cancel"]
    assert names(command="batch cancel") == ["batch cancel"]
    assert names(os_user="ann") == ["batch cancel"]
    assert names(until=company.clock.now.fromtimestamp(began.timestamp() + 60, began.tzinfo)) == ["batch cancel"]
    assert names(since=company.clock.now) == []
