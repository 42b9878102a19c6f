"""Events for customers and their tries as operators see them: what is asked for, the newest first, and all of one."""

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.delivery_page import Events
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.service import deliveries, endpoint
from batchctl.service.deliveries import Written, meant
from batchctl.service.dispatch import dispatch
from batchctl.service.resend import resend
from batchctl.service.world import start_pass
from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import http_status
from tests.scenario import Company

DOWN = http_status(503)
ALL = Events()


def told(company: Company, webhook: str = "/hook", *answers: Any, user_id: UUID | None = None) -> Any:
    """Have an event that was tried once, and return its row; its receiver answers so, and then well."""
    company.limit(webhook_quick_retries=0, max_claim=100)
    company.receiver.script(webhook, *answers)
    batch_id = company.enqueue(user_id or uuid4(), 1, webhook=webhook)
    company.run_pass()
    company.clock.advance(60)
    (row,) = company.deliveries(batch_id)
    return row


def listed(company: Company, limit: int = 50, **which: Any) -> list[UUID]:
    """Return the ids of the events that fit."""
    return [line.id for line in deliveries.list_newest(company.world, Events(**which), (), limit).deliveries]


def tried(company: Company, limit: int = 50, **which: Any) -> list[tuple[UUID, int]]:
    """Return the tries that fit."""
    found = deliveries.list_attempts(company.world, Events(**which), delivery_id=None, only_failed=False, limit=limit)
    return [(one.delivery_id, one.attempt) for one in found.attempts]


def test_events_are_listed_the_newest_first(company: Company) -> None:
    """Each with how it stands, when the next try follows, and no more of its address than the host."""
    sent, waits = told(company, "/a?token=HIDDEN"), told(company, "/b", DOWN)
    report = deliveries.list_newest(company.world, ALL, (), 50)
    assert [line.id for line in report.deliveries] == [waits.id, sent.id]
    newest, older = report.deliveries
    assert (newest.status, newest.attempts, newest.last_status_code, newest.last_error) == (
        *("retrying", 1, 503),
        "HTTP 503",
    )
    assert newest.next_attempt_at == waits.next_attempt_at
    assert (older.status, older.delivered_at, older.receiver) == (
        "sent",
        sent.delivered_at,
        company.receiver.base_url,
    )
    assert (newest.batch_id, newest.event_type) == (waits.batch_job_id, "batch.failed")
    assert report.more is False
    assert "HIDDEN" not in str(report)


def test_limit_says_that_there_are_more(company: Company) -> None:
    """The newest ones across all states; one more is looked for to know."""
    rows = [told(company, f"/{number}", *[DOWN] * (number % 2)) for number in range(4)]
    report = deliveries.list_newest(company.world, ALL, (), 3)
    assert ([line.id for line in report.deliveries], report.more) == ([row.id for row in rows[:0:-1]], True)
    log = deliveries.list_attempts(company.world, ALL, delivery_id=None, only_failed=False, limit=3)
    assert ([one.delivery_id for one in log.attempts], log.more) == ([row.id for row in rows[:0:-1]], True)


def test_selector_is_the_same_for_events_and_tries(company: Company) -> None:
    """By time, customer, batch, kind, endpoint and receiver; several narrow together."""
    first, second = told(company, "/a"), told(company, "/b", DOWN)
    user_id = company.batch(second.batch_job_id).user_id
    endpoint_id = company.sql("select id from webhook_endpoints where user_id = %s", user_id)[0].id
    cases: list[tuple[dict[str, Any], list[UUID]]] = [
        ({}, [second.id, first.id]),
        ({"since": second.created_at}, [second.id]),
        ({"until": second.created_at}, [first.id]),
        ({"user_id": user_id}, [second.id]),
        ({"batch_id": first.batch_job_id}, [first.id]),
        ({"event_type": "batch.failed"}, [second.id, first.id]),
        ({"event_type": "batch.completed"}, []),
        ({"endpoint_id": endpoint_id}, [second.id]),
        ({"endpoint_id": uuid4()}, []),
        ({"host": "127.0.0.1"}, [second.id, first.id]),
        ({"host": company.receiver.base_url.removeprefix("http://")}, [second.id, first.id]),
        ({"host": "0.0.1"}, []),
        ({"user_id": user_id, "batch_id": first.batch_job_id}, []),
    ]
    assert {name for which, _ in cases for name in which} == {field.name for field in fields(Events)}
    for which, expected in cases:
        assert listed(company, **which) == expected, which
        assert tried(company, **which) == [(one, 1) for one in expected], which


def test_statuses_narrow(company: Company) -> None:
    """Those that are named, each once."""
    sent, waits = told(company, "/a"), told(company, "/b", DOWN)
    for statuses, expected in ((["sent"], [sent.id]), (["retrying", "retrying", "failed"], [waits.id])):
        report = deliveries.list_newest(company.world, ALL, statuses, 50)  # type: ignore[arg-type]  # text will do
        assert [line.id for line in report.deliveries] == expected


def test_log_tells_each_try(company: Company) -> None:
    """When, how long, what was answered, by whom it was asked for; and of the last one when the next follows."""
    row = told(company, "/a", Answer(status=500, body=b"we are\n closed"), Answer(status=502))
    resend(company.world, [row.batch_job_id], lambda: False)
    log = deliveries.list_attempts(company.world, ALL, delivery_id=row.id, only_failed=False, limit=9).attempts
    assert [(one.attempt, one.status_code, one.error, one.answer, one.by_operator) for one in log] == [
        (2, 502, "HTTP 502", None, True),
        (1, 500, "HTTP 500", "we are closed", False),
    ]
    assert [one.next_attempt_at for one in log] == [row.next_attempt_at, None]
    assert all(one.duration_ms is not None and one.receiver == company.receiver.base_url for one in log)
    told(company, "/b")
    failures = deliveries.list_attempts(company.world, ALL, delivery_id=None, only_failed=True, limit=9).attempts
    assert [one.status_code for one in failures] == [502, 500]


def test_try_under_way_is_in_the_log(company: Company) -> None:
    """Without a length; what its lease says is not taken for the next try."""
    logs: list[Any] = []
    company.limit(max_claim=100)
    company.when_told = lambda _: logs.append(
        deliveries.list_attempts(other, ALL, delivery_id=None, only_failed=False, limit=9).attempts
    )
    with company.other_worker() as other:
        company.enqueue(uuid4(), 1)
        company.run_pass()
    ((one,),) = logs
    assert (one.duration_ms, one.status_code, one.next_attempt_at) == (None, None, None)


def test_one_event_whole(company: Company) -> None:
    """Its body byte for byte, its tries, its endpoint, and how many secrets of the customer's own sign it."""
    user_id = uuid4()
    url = f"{company.receiver.base_url}/hook"
    added = endpoint.add(company.world, user_id, url, None)
    company.receiver.know("/hook", str(added.secret))
    row = told(company, "/hook", DOWN, user_id=user_id)
    shown = deliveries.show(company.world, deliveries.find(company.world, str(row.id)[:8]))
    assert shown.delivery.id == row.id
    assert shown.body == row.body
    assert json.loads(shown.body)["batch_id"] == str(row.batch_job_id)
    assert [(one.attempt, one.status_code) for one in shown.attempts] == [(1, 503)]
    assert shown.endpoint is not None
    assert (shown.endpoint.id, shown.own_secrets) == (added.endpoint.id, 1)
    assert shown.endpoint.failing_since is not None
    assert shown.delivery.endpoint_id == added.endpoint.id
    endpoint.disable(company.world, added.endpoint.id, reason="x", operator="me")
    again = deliveries.show(company.world, row.id)
    assert again.delivery.endpoint_disabled_at is not None


def test_event_of_an_unknown_endpoint(company: Company) -> None:
    """Where nothing failed and no secret was given, there is none, and the default secret signs."""
    shown = deliveries.show(company.world, told(company).id)
    assert (shown.endpoint, shown.own_secrets, shown.delivery.endpoint_id) == (None, 0, None)


def test_event_that_is_not_there(company: Company) -> None:
    """A slip is said with the command that lists them; one that is gone meanwhile too."""
    with pytest.raises(UsageProblem, match="`batchctl webhook list`"):
        deliveries.find(company.world, "0033")
    with pytest.raises(Problem, match="any more"):
        deliveries.show(company.world, uuid4())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (Written(since="soon"), "no time"),
        (Written(since="1h", until="2h"), "--until must be later"),
        (Written(batch="0033"), "there is no batch"),
        (Written(endpoint="0033"), "there is no endpoint"),
        (Written(host="https://"), "no name of a host"),
        (Written(host="\x00"), "no name of a host"),
    ],
)
def test_selector_that_is_none(company: Company, written: Written, said: str) -> None:
    """Each part of it is refused in words."""
    with pytest.raises(UsageProblem, match=said):
        meant(company.world, written)


def test_selector_as_it_is_written(company: Company) -> None:
    """Times count back from now, ids may be begun, and a whole address names its host."""
    row = told(company)
    events = meant(
        company.world,
        Written(since="2h", until="1h", batch=str(row.batch_job_id)[:6], host="HTTPS://Hooks.Example:8443/in?x"),
    )
    now = company.clock.now
    assert (events.since, events.until) == (now - timedelta(hours=2), now - timedelta(hours=1))
    assert (events.batch_id, events.host) == (row.batch_job_id, "hooks.example:8443")


def test_event_that_nobody_tried_yet(company: Company) -> None:
    """It is listed as pending, and has no tries."""
    company.enqueue(uuid4(), 1)
    dispatch(company.world, start_pass(company.world, None))
    (line,) = deliveries.list_newest(company.world, ALL, (), 9).deliveries
    assert (line.status, line.attempts, deliveries.show(company.world, line.id).attempts) == ("pending", 0, ())
