"""Resends: the same event once more, whatever became of it before, and never for the worse."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.delivery_page import Events
from batchctl.domain.endpoint import RELEASED_PER_SECOND
from batchctl.domain.problem import Problem, UnreachableProblem
from batchctl.domain.report import WebhookReport
from batchctl.domain.resend import FRUITLESS, Missed, ResendLine, ResendReport, Window
from batchctl.domain.wire import Request
from batchctl.gateways.http import ThreadedHttp
from batchctl.service.dispatch import dispatch
from batchctl.service.resend import PAUSE_S, PLACES_PER_RECEIVER, rehearse, resend
from batchctl.service.world import start_pass
from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import http_status
from batchctl.simulator.journal import Check
from batchctl.simulator.receiver import Receiver
from batchctl.store import deliveries
from tests.legacy.leftovers import leave_behind
from tests.scenario import SECRET, Company, at_work
from tests.service.test_adopt import adopt, inherited

DOWN = http_status(500)
PREVIOUS = ("pending", "retrying", "failed", "sent")


def refused(company: Company, webhook: str = "/hook") -> UUID:
    """Enqueue a batch that the next pass refuses, and so tells its customer."""
    company.limit(max_claim=100)
    return company.enqueue(uuid4(), 1, webhook=webhook)


def told(company: Company, status: str, webhook: str = "/hook") -> UUID:
    """Have a batch whose event stands as `status` says."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0 if status == "failed" else 8)
    company.receiver.script(webhook, then=http_status(200 if status == "sent" else 500))
    batch_id = refused(company, webhook)
    if status == "pending":
        dispatch(company.world, start_pass(company.world, None))
    else:
        company.run_pass()
    company.limit(webhook_slow_retries=8)
    assert event(company, batch_id).status == status
    return batch_id


def given_up(company: Company, *paths: str) -> list[UUID]:
    """Have batches whose events were given up, a second after another; their receivers are well again."""
    batch_ids: list[UUID] = []
    for path in paths:
        batch_ids.append(told(company, "failed", path))
        company.receiver.script(path)
        company.clock.advance(1)
    return batch_ids


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def send(company: Company, *batch_ids: UUID) -> ResendReport:
    """Resend as the company's worker."""
    return resend(company.world, batch_ids, lambda: False)


def only(report: ResendReport) -> ResendLine:
    """Return the one line of a report."""
    (line,) = report.deliveries
    return line


def results(report: ResendReport) -> list[str]:
    """Return what became of each, in order."""
    return [str(line.result) for line in report.deliveries]


def everything(company: Company) -> dict[str, list[str]]:
    """Return every row of every table as text."""
    tables = company.sql(
        "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    return {
        table.name: [row.line for row in company.sql(f"select t::text as line from {table.name} as t order by line")]  # noqa: S608 - names of tables
        for table in tables
    }


# What is sent


def test_same_event_comes_again_signed_anew(company: Company) -> None:
    """Id and body are what they were; the timestamp is that of the resend, and both signatures fit."""
    (batch_id,) = given_up(company, "/hook")
    company.clock.advance(7200)

    line = only(send(company, batch_id))
    first, again = company.receiver.journal.entries
    assert (again.webhook_id, again.body) == (first.webhook_id, first.body)
    assert again.webhook_id == str(event(company, batch_id).id) == str(line.webhook_id)
    assert again.headers["webhook-timestamp"] == str(int(company.clock.now.timestamp()))
    assert again.headers["webhook-signature"] != first.headers["webhook-signature"]
    assert (again.hex_signature, again.standard_signature) == (Check.VALID, Check.VALID)
    assert (line.result, line.status, line.status_code, line.attempts) == ("delivered", "sent", 200, 2)
    assert (line.event_type, line.receiver, line.error) == ("batch.failed", company.receiver.base_url, None)


@pytest.mark.parametrize("answer", [200, 500, 410])
@pytest.mark.parametrize("before", PREVIOUS)
def test_it_only_gets_better(company: Company, before: str, answer: int) -> None:
    """Delivered is delivered; else an open one goes on, a failed one stays failed, and what was sent stays sent."""
    batch_id = told(company, before)
    was, tries = event(company, batch_id), len(company.tries(batch_id))
    company.clock.advance(1)
    company.receiver.script("/hook", then=http_status(answer))

    report = send(company, batch_id)

    stays = before if before in {"sent", "failed"} else "retrying" if answer == 500 else "failed"
    after = "sent" if answer == 200 else stays
    row, batch, line = event(company, batch_id), company.batch(batch_id), only(report)
    assert (row.status, batch.webhook_status, line.status) == (after, after, after)
    assert row.attempts == batch.webhook_attempts == len(company.tries(batch_id)) == tries + 1
    assert company.tries(batch_id)[-1].status_code == line.status_code == answer
    assert row.next_attempt_at == line.next_attempt_at
    assert (row.next_attempt_at is not None) == (after == "retrying")
    assert line.result == ("delivered" if answer == 200 else "not delivered")
    assert (report.delivered, report.not_delivered) == ((1, 0) if answer == 200 else (0, 1))
    assert [finding.exit_code for finding in report.findings] == ([] if answer == 200 else [1])
    if after == "sent":
        assert (row.last_error, batch.webhook_last_error, row.last_status_code) == (None, None, 200)
        assert row.delivered_at == line.delivered_at == (was.delivered_at or company.clock.now)
    else:
        assert row.last_error == batch.webhook_last_error == line.error
        assert str(answer) in row.last_error


def test_schedule_of_an_open_delivery_goes_on_as_if_nobody_had(company: Company) -> None:
    """Resends that fail count as tries, leave the next one when it was, and take no step of the schedule away."""
    batch_id = told(company, "retrying")
    due_at = event(company, batch_id).next_attempt_at
    for _ in range(10):
        line = only(send(company, batch_id))
        assert (line.result, line.status, line.next_attempt_at) == ("not delivered", "retrying", due_at)
    assert event(company, batch_id).next_attempt_at == due_at

    company.clock.now = due_at
    assert company.run_pass().webhook == WebhookReport(retrying=1)
    row = event(company, batch_id)
    wait_s = (row.next_attempt_at - company.clock.now).total_seconds()
    assert 0.8 * 1800 <= wait_s <= 1.2 * 1800, "the second slow retry"
    assert row.attempts == company.batch(batch_id).webhook_attempts == 12
    assert [one.by_operator for one in company.tries(batch_id)] == [False, *[True] * 10, False]


def test_schedule_ends_when_its_own_tries_are_spent(company: Company) -> None:
    """However many resends there were, the last scheduled try gives the delivery up, and not one sooner."""
    batch_id = told(company, "retrying")
    company.limit(webhook_slow_retries=1)
    assert only(send(company, batch_id)).status == "retrying"
    company.clock.advance(400)
    assert company.run_pass().webhook == WebhookReport(failed=1)
    assert event(company, batch_id).attempts == 3


def test_gone_receiver_ends_an_open_delivery(company: Company) -> None:
    """410 is the last word, whoever asked."""
    batch_id = told(company, "retrying")
    company.receiver.script("/hook", then=http_status(410))
    assert only(send(company, batch_id)).status == "failed"
    assert event(company, batch_id).next_attempt_at is None


def test_answer_of_the_receiver_is_kept_with_the_try(company: Company) -> None:
    """How it begins, cut and in one line; nothing of its headers."""
    batch_id = told(company, "failed")
    answer = Answer(status=500, headers={"x-token": "HEADER"}, body=b"no\x00 such\x1b[2J\n customer " + b"x" * 9000)
    company.receiver.script("/hook", answer)
    send(company, batch_id)
    kept = company.tries(batch_id)[-1].answer
    assert kept == ("no such [2J customer " + "x" * 500)[:500]


def test_each_is_tried_once(company: Company) -> None:
    """There are no quick retries, though the settings ask for three; passes make those of an open delivery."""
    open_id, failed_id = told(company, "retrying", "/a"), told(company, "failed", "/b")
    company.limit(webhook_quick_retries=3)
    report = send(company, open_id, failed_id)
    assert results(report) == ["not delivered"] * 2
    assert company.clock.slept == []
    assert [len(company.tries(batch_id)) for batch_id in (open_id, failed_id)] == [2, 2]


def test_order_is_that_of_the_request(company: Company) -> None:
    """Lines come as they were asked for, however their receivers answer."""
    batch_ids = given_up(company, "/a?latency=0.2", "/b", "/c", "/d")
    company.receiver.script("/c", then=DOWN)
    company.world = replace(company.world, webhook_http=ThreadedHttp(2))
    with closing(company.world.webhook_http):
        report = send(company, *reversed(batch_ids))
    assert [line.batch_id for line in report.deliveries] == [*reversed(batch_ids)]
    assert results(report) == ["delivered", "not delivered", "delivered", "delivered"]
    assert [finding.message for finding in report.findings] == ["of 4 deliveries 1 not delivered"]


def test_one_receiver_is_not_overrun(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much goes to one receiver it gets a few at once, and another one does not wait behind it."""
    busy = given_up(company, *[f"/busy/{number}" for number in range(2 * PLACES_PER_RECEIVER)])
    before = len(company.receiver.journal.entries)
    http = company.world.webhook_http
    assert http.places > PLACES_PER_RECEIVER
    groups: list[list[str]] = []

    def note(requests: Sequence[Request]) -> None:
        groups.append([request.url for request in requests])
        http_send(requests)

    http_send = http.send
    monkeypatch.setattr(http, "send", note)
    with Receiver(secret=SECRET) as other:
        quiet = refused(company, f"{other.base_url}/quiet")
        dispatch(company.world, start_pass(company.world, None))
        company.when_told = lambda _: Event().wait(0.03)
        report = send(company, *busy, quiet)

    assert set(results(report)) == {"delivered"}
    assert len(groups[0]) == PLACES_PER_RECEIVER + 1
    assert max(entry.in_flight for entry in company.receiver.journal.entries[before:]) <= PLACES_PER_RECEIVER


# Where it is sent


def test_corrected_address_is_the_one(company: Company) -> None:
    """It goes to where the customer wants to be told today, and so do the retries that follow; the report says so."""
    batch_id = told(company, "retrying", "/wrong")
    company.receiver.script("/right", DOWN)
    company.sql("update batch_jobs set webhook_url = %s where id = %s", f"{company.receiver.base_url}/right", batch_id)

    line = only(send(company, batch_id))

    assert (line.status_code, line.receiver, line.receiver_before) == (
        500,
        company.receiver.base_url,
        company.receiver.base_url,
    )
    assert event(company, batch_id).url == f"{company.receiver.base_url}/right"
    company.clock.advance(2200)
    assert company.run_pass().webhook == WebhookReport(sent=1)
    assert [entry.path for entry in company.receiver.journal.entries] == ["/wrong", "/right", "/right"]
    assert only(send(company, batch_id)).receiver_before is None


def test_function_of_endpoints_says_where_and_with_which_secret(company: Company) -> None:
    """What get_enterprise_webhook_for_batch says of a batch goes before the batch's own row (contract §1)."""
    (batch_id,) = given_up(company, "/old")
    with Receiver(secret="endpoint-secret") as receiver:
        company.sql(
            "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"
            " returns table (url text, secret text) language sql stable as"
            f" $$ select '{receiver.base_url}/new?token=t', 'endpoint-secret' $$"
        )
        line = only(send(company, batch_id))
        (entry,) = receiver.journal.entries
    assert (line.result, line.receiver, line.receiver_before) == (
        "delivered",
        receiver.base_url,
        company.receiver.base_url,
    )
    assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)


# What is not sent


def assert_not_tried(company: Company, batch_id: UUID, reason: str) -> None:
    """Assert that a resend and a dry run both say why, and that nothing was sent and no row changed."""
    before, connections = everything(company), company.receiver.connections
    for report in (rehearse(company.world, [batch_id]), send(company, batch_id)):
        assert [finding.exit_code for finding in report.findings] == ([] if report.dry_run else [1])
        line = only(report)
        assert (line.result, report.not_tried) == ("not tried", 1)
        assert reason in (line.error or "")
    assert (everything(company), company.receiver.connections) == (before, connections)


def test_batch_that_has_not_ended(company: Company) -> None:
    """There is nothing to tell of a batch that is queued or under way."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    assert_not_tried(company, batch_id, "the batch is queued: there is nothing to tell yet")
    company.run_pass()
    assert_not_tried(company, batch_id, "the batch is processing: there is nothing to tell yet")
    company.run_until_quiet()


@pytest.mark.parametrize("webhook", [None, ""])
def test_batch_without_an_address(company: Company, webhook: str | None) -> None:
    """Nobody asked to be told; or they did, and do not want to be any more."""
    never_asked = company.enqueue(uuid4(), 1, webhook=None)
    company.run_pass()
    assert_not_tried(company, never_asked, "no webhook_url")
    batch_id = told(company, "retrying")
    company.sql("update batch_jobs set webhook_url = %s where id = %s", webhook, batch_id)
    assert_not_tried(company, batch_id, "no webhook_url")
    company.sql("update batch_jobs set webhook_url = %s where id = %s", event(company, batch_id).url, batch_id)


def test_missing_secret(dsn: str) -> None:
    """Nothing goes out unsigned unless that is allowed, and the settings that would help are named."""
    with at_work(dsn, default_secret=None) as company:
        batch_id = refused(company)
        company.run_pass()
        assert_not_tried(company, batch_id, "WEBHOOK_SECRET_MISSING: set ENTERPRISE_WEBHOOK_SECRET")


def test_forbidden_address(company: Company) -> None:
    """The guard of ordinary deliveries decides; a refused one is not counted as a try."""
    batch_id = told(company, "failed")
    for url in ("ftp://example.com/", "https://user:word@example.com/", "not a url"):
        company.sql("update batch_jobs set webhook_url = %s where id = %s", url, batch_id)
        assert_not_tried(company, batch_id, "FORBIDDEN_URL: ")


# Batches whose event nobody wrote


def test_batch_that_was_never_told_is_told_from_the_books(company: Company) -> None:
    """The event is what the settlement would have written, its time that of the batch's end; then it is one as any."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, ["a", "b [sim: fail=error]"], webhook=None)
    company.run_until_quiet()
    ended_at = company.batch(batch_id).completed_at
    company.clock.advance(3600)
    company.sql(
        "update batch_jobs set webhook_url = %s, updated_at = %s where id = %s",
        f"{company.receiver.base_url}/hook",
        company.clock.now,
        batch_id,
    )

    line = only(send(company, batch_id))

    assert (line.result, line.status, line.attempts, line.event_type) == ("delivered", "sent", 1, "batch.partial")
    (entry,) = company.receiver.journal.entries
    assert entry.webhook_id == str(line.webhook_id) == str(event(company, batch_id).id)
    assert json.loads(entry.body) == {
        "type": "batch.partial",
        "batch_id": str(batch_id),
        "user_id": str(customer),
        "status": "partial",
        "total_count": 2,
        "success_count": 1,
        "failed_count": 1,
        "credits_spent": 10,
        "credits_refunded": 10,
        "reason": None,
        "timestamp": int(ended_at.timestamp() * 1000),
    }
    assert only(send(company, batch_id)).webhook_id == line.webhook_id


def test_batch_that_was_never_told_is_retried_by_passes(company: Company) -> None:
    """Once written, an event that could not be delivered goes the ordinary way."""
    batch_id = company.enqueue(uuid4(), 1, webhook=None)
    company.run_pass()
    company.sql("update batch_jobs set webhook_url = %s where id = %s", f"{company.receiver.base_url}/hook", batch_id)
    company.receiver.script("/hook", DOWN)
    line = only(send(company, batch_id))
    assert (line.result, line.status, company.batch(batch_id).webhook_status) == (
        "not delivered",
        "retrying",
        "retrying",
    )
    company.clock.advance(1)
    assert company.run_pass().webhook == WebhookReport(sent=1)


def test_what_the_original_worker_never_told(empty_dsn: str) -> None:
    """Its ended batches are told from their books; one that holds credits and was never settled is not."""
    with inherited(empty_dsn) as (company, old):
        left = leave_behind(old, f"{company.receiver.base_url}/hook")
        adopt(company)

        report = send(company, left.finished, left.refused, left.failed_empty, left.never_settled, left.queued)

        assert results(report) == ["delivered", "delivered", "delivered", "not tried", "not tried"]
        assert "not settled" in (report.deliveries[3].error or "")
        bodies = [json.loads(entry.body) for entry in company.receiver.journal.entries]
        books = {body["batch_id"]: body for body in bodies}
        finished = books[str(left.finished)]
        assert (finished["type"], finished["credits_spent"], finished["credits_refunded"]) == ("batch.completed", 10, 0)
        assert finished["timestamp"] > 0
        assert (books[str(left.refused)]["type"], books[str(left.refused)]["credits_refunded"]) == ("batch.failed", 0)


# Which are chosen


def window(company: Company, since_s: float, until_s: float | None = None, limit: int = 1000) -> Window:
    """Choose what was last tried between so many seconds ago."""
    now = company.clock.now
    return Window(
        since=now - timedelta(seconds=since_s),
        until=None if until_s is None else now - timedelta(seconds=until_s),
        limit=limit,
    )


def test_window_takes_what_was_given_up_by_its_last_try(company: Company) -> None:
    """Only failed ones, from `since` and before `until`; one that was never tried counts from when it was written."""
    first, second, third = given_up(company, "/a", "/b", "/c")
    for status in ("sent", "retrying"):
        told(company, status, f"/{status}")
    company.clock.advance(3600)
    send(company, first)
    company.receiver.script("/b", then=DOWN)
    send(company, second)
    untried = refused(company, "/d")
    dispatch(company.world, start_pass(company.world, None))
    company.sql(
        "update webhook_deliveries set status = 'failed', next_attempt_at = null, created_at = %s"
        " where batch_job_id = %s",
        company.clock.now - timedelta(seconds=1800),
        untried,
    )
    company.sql("update batch_jobs set webhook_status = 'failed' where id = %s", untried)

    def chosen(which: Window) -> list[UUID]:
        return [line.batch_id for line in rehearse(company.world, which).deliveries]

    assert chosen(window(company, 10_000)) == [third, untried, second]
    assert chosen(window(company, 1800)) == [untried, second]
    assert chosen(window(company, 10_000, 1800)) == [third]
    assert chosen(window(company, 10_000, 0)) == [third, untried]
    assert chosen(window(company, 10_000, limit=2)) == [third, untried]
    assert rehearse(company.world, window(company, 10_000, limit=2)).matched == 3
    assert rehearse(company.world, window(company, -1)).matched == 0


@pytest.mark.parametrize("newer", ["sent", "failed"])
def test_newest_of_several_events_of_a_batch_is_the_one(company: Company, newer: str) -> None:
    """A batch is found once, by its newest event; one that another followed is not sent any more."""
    (batch_id,) = given_up(company, "/a")
    (second,) = company.sql(
        "insert into webhook_deliveries (batch_job_id, event_type, url, body, created_at, status, delivered_at)"
        " select batch_job_id, 'batch.partial', url, '{}', created_at + interval '1 second', %s,"
        " case when %s = 'sent' then created_at end from webhook_deliveries where batch_job_id = %s returning id",
        *(newer, newer, batch_id),
    )
    which = window(company, 10_000)
    report = rehearse(company.world, which)
    found = [(line.batch_id, line.webhook_id) for line in report.deliveries]
    assert (found, report.matched) == (([(batch_id, second.id)], 1) if newer == "failed" else ([], 0))
    assert rehearse(company.world, missed(company)).matched == report.matched
    company.sql("delete from webhook_deliveries where id = %s", second.id)


def test_repeating_a_limited_resend_gets_round(company: Company) -> None:
    """Those tried longest ago come first, so a receiver that stays dead does not keep the next ones from their turn."""
    batch_ids = given_up(company, "/dead", "/b", "/c")
    company.receiver.script("/dead", then=DOWN)
    reached: list[UUID] = []
    for _ in batch_ids:
        company.clock.advance(1)
        report = resend(company.world, window(company, 10_000, limit=1), lambda: False)
        reached += [line.batch_id for line in report.deliveries]
    assert reached == batch_ids


def test_the_same_are_listed_and_sent(company: Company) -> None:
    """A dry run names exactly what the resend then tries."""
    batch_ids = given_up(company, "/a", "/b", "/c")
    which = window(company, 10_000)
    rehearsed, sent = rehearse(company.world, which), resend(company.world, which, lambda: False)
    assert [line.batch_id for line in rehearsed.deliveries] == [line.batch_id for line in sent.deliveries] == batch_ids
    assert (results(rehearsed), results(sent)) == (["would be tried"] * 3, ["delivered"] * 3)


# Replays


def missed(company: Company, *statuses: str, limit: int = 1000, **which: Any) -> Missed:
    """Choose what was written since the scenario began and stands so."""
    wanted = [DeliveryStatus(status) for status in statuses or ("failed", "retrying")]
    events = replace(Events(since=company.clock.now - timedelta(days=1)), **which)
    return Missed(events=events, statuses=tuple(wanted), limit=limit)


def test_replay_sends_what_was_missed_the_oldest_first(company: Company) -> None:
    """Given up or still to be retried, under the same webhook-id and body; what was delivered or never tried stays."""
    failed = told(company, "failed", "/a")
    company.clock.advance(1)
    retrying = told(company, "retrying", "/b")
    sent, pending = told(company, "sent", "/c"), told(company, "pending", "/d")
    for path in ("/a", "/b"):
        company.receiver.script(path)
    before = {entry.webhook_id: entry.body for entry in company.receiver.journal.entries}

    rehearsed = rehearse(company.world, missed(company))
    report = resend(company.world, missed(company), lambda: False)

    assert [line.batch_id for line in rehearsed.deliveries] == [failed, retrying]
    assert [line.batch_id for line in report.deliveries] == [failed, retrying]
    assert (report.schema, report.matched, report.delivered) == ("batchctl/webhook.recover/1", 2, 2)
    again = company.receiver.journal.entries[-2:]
    assert {entry.webhook_id: entry.body for entry in again}.items() <= before.items()
    assert [event(company, one).status for one in (failed, retrying, sent, pending)] == [*["sent"] * 3, "pending"]
    assert resend(company.world, missed(company), lambda: False).deliveries == ()


def test_replay_can_repeat_what_was_delivered(company: Company) -> None:
    """A receiver that took events and lost them gets them again."""
    batch_id = told(company, "sent")
    report = resend(company.world, missed(company, "sent"), lambda: False)
    assert (results(report), event(company, batch_id).attempts) == (["delivered"], 2)


def test_replay_takes_what_it_is_asked_for(company: Company) -> None:
    """By when the event was written, whose it is, its batch, its kind, its endpoint and its receiver's name."""
    first = told(company, "failed", "/a")
    company.clock.advance(600)
    company.receiver.script("/b", DOWN)
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
    second = refused(company, f"{company.receiver.base_url.replace('127.0.0.1', 'localhost')}/b")
    company.run_pass()
    company.clock.advance(600)
    user_id = company.batch(second).user_id
    endpoint = company.sql("select id from webhook_endpoints where user_id = %s", user_id)[0].id
    ago, port = company.clock.now, urlsplit(company.receiver.base_url).port
    cases: list[tuple[dict[str, Any], list[UUID]]] = [
        ({}, [first, second]),
        ({"since": ago - timedelta(seconds=700)}, [second]),
        ({"until": ago - timedelta(seconds=700)}, [first]),
        ({"user_id": user_id}, [second]),
        ({"user_id": uuid4()}, []),
        ({"batch_id": first}, [first]),
        ({"event_type": "batch.failed"}, [first, second]),
        ({"event_type": "batch.partial"}, []),
        ({"endpoint_id": endpoint}, [second]),
        ({"host": "localhost"}, [second]),
        ({"host": f"127.0.0.1:{port}"}, [first]),
        ({"host": "127.0.0.1:1"}, []),
    ]
    for which, expected in cases:
        found = rehearse(company.world, missed(company, **which)).deliveries
        assert [line.batch_id for line in found] == expected, which
    limited = rehearse(company.world, missed(company, limit=1))
    assert ([line.batch_id for line in limited.deliveries], limited.matched) == ([first], 2)


def test_replay_is_polite(company: Company) -> None:
    """Ten events a second for each receiver, and a second one does not wait for the first."""
    batch_ids = given_up(company, *[f"/{number}" for number in range(2 * RELEASED_PER_SECOND + 1)])
    with Receiver(secret=SECRET) as other:
        other.script("/quiet", http_status(500))
        company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
        quiet = refused(company, f"{other.base_url}/quiet")
        company.run_pass()
        slept = len(company.clock.slept)
        sent_before: list[int] = []
        seen = len(company.receiver.journal.entries)
        sleep = company.clock.sleep

        def note(seconds: float) -> None:
            sent_before.append(len(company.receiver.journal.entries) - seen)
            sleep(seconds)

        company.world = replace(company.world, sleep=note)
        report = resend(company.world, missed(company), lambda: False)
        assert len(other.journal.entries) == 2
    assert report.delivered == len(batch_ids) + 1
    assert event(company, quiet).status == "sent"
    assert sent_before == [RELEASED_PER_SECOND, 2 * RELEASED_PER_SECOND]
    assert company.clock.slept[slept:] == [PAUSE_S, PAUSE_S]


@pytest.mark.parametrize("kind", ["window", "replay"])
def test_receiver_that_is_still_down_is_left_alone(company: Company, kind: str) -> None:
    """After ten tries in vain the rest is not tried, and said to be left; another receiver gets its events."""
    paths = [f"/dead/{number}" for number in range(2 * FRUITLESS + 5)]
    batch_ids = given_up(company, *paths)
    for path in paths:
        company.receiver.script(path, then=DOWN)
    with Receiver(secret=SECRET) as other:
        other.script("/well", http_status(500))
        company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
        refused(company, f"{other.base_url}/well")
        company.run_pass()
        report = resend(company.world, missed(company) if kind == "replay" else window(company, 10_000), lambda: False)
        assert len(other.journal.entries) == 2
    # Some more may have been in flight when the tenth answer came.
    most = FRUITLESS if kind == "replay" else FRUITLESS + PLACES_PER_RECEIVER - 1
    assert FRUITLESS <= report.not_delivered <= most
    assert (report.not_tried, report.delivered) == (len(batch_ids) - report.not_delivered, 1)
    assert {line.error for line in report.deliveries if line.result == "not tried"} == {
        f"{company.receiver.base_url} took none of the last 10: run it again when it is well"
    }
    assert sum(len(company.tries(batch_id)) for batch_id in batch_ids) == len(batch_ids) + report.not_delivered
    assert set(results(send(company, *batch_ids))) == {"not delivered"}, "what is named is tried"


def test_replay_that_is_stopped_is_taken_up_again(company: Company) -> None:
    """What was sent is not sent again; the rest follows."""
    batch_ids = given_up(company, "/a", "/b", "/c", "/d")
    company.world = replace(company.world, webhook_http=ThreadedHttp(1))
    asked = len(company.receiver.journal.entries)
    with closing(company.world.webhook_http):
        first = resend(company.world, missed(company), lambda: len(company.receiver.journal.entries) >= asked + 2)
        second = resend(company.world, missed(company), lambda: False)
    assert first.delivered + second.delivered == len(batch_ids)
    assert (0 < first.delivered < len(batch_ids), second.not_tried) == (True, 0)
    assert len(company.receiver.journal.entries) == asked + len(batch_ids)


# Dry runs


def test_dry_run_changes_nothing_and_says_what_would_happen(company: Company) -> None:
    """Not a row is changed and nobody is connected to; it shows what a resend would send, and to whom."""
    statuses = ("retrying", "failed", "sent", "pending")
    batch_ids = [told(company, status, f"/{status}?token=secret") for status in statuses]
    untold = company.enqueue(uuid4(), 1, webhook=None)
    dispatch(company.world, start_pass(company.world, None))
    company.sql("update batch_jobs set webhook_url = %s where id = %s", f"{company.receiver.base_url}/hook", untold)
    before, connections = everything(company), company.receiver.connections

    report = rehearse(company.world, [*batch_ids, untold])

    assert (everything(company), company.receiver.connections) == (before, connections)
    assert (report.dry_run, report.would_be_tried, report.findings) == (True, 5, ())
    assert [line.status for line in report.deliveries] == [*statuses, None]
    assert [line.error for line in report.deliveries] == ["HTTP 500", "HTTP 500", None, None, None]
    assert [line.attempts for line in report.deliveries] == [1, 1, 1, 0, 0]
    assert [line.webhook_id for line in report.deliveries] == [*(event(company, one).id for one in batch_ids), None]
    assert {line.event_type for line in report.deliveries} == {"batch.failed"}
    assert {line.receiver for line in report.deliveries} == {company.receiver.base_url}
    send(company, untold)


def test_dry_run_is_held_to_it_by_the_database(company: Company) -> None:
    """A function of endpoints that writes is refused in a dry run: its transactions are read-only."""
    (batch_id,) = given_up(company, "/hook")
    company.sql(
        "create table seen (id uuid); create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"
        " returns table (url text, secret text) language sql as $$ insert into seen values (p_batch_id);"
        " select b.webhook_url, null::text from batch_jobs as b where b.id = p_batch_id $$"
    )
    with pytest.raises(Problem, match="read-only"):
        rehearse(company.world, [batch_id])
    assert company.sql("select 1 from seen") == []


# Rows that the database will not let through, and a database that goes away


@pytest.mark.parametrize("failure", ["raise exception 'no such endpoint'", "url := (select b.id from batch_jobs as b)"])
def test_endpoint_that_cannot_be_looked_up_stops_nobody(company: Company, failure: str) -> None:
    """Where the function of endpoints fails for one batch, that one is named with the reason; the others are told."""
    poison, *rest = given_up(company, "/poison", "/a", "/b")
    company.sql(
        "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"  # noqa: S608 - our own words
        " returns table (url text, secret text) language plpgsql stable as $$ begin"
        f" if p_batch_id = '{poison}' then {failure}; end if;"
        " return query select b.webhook_url, null::text from batch_jobs as b where b.id = p_batch_id; end $$"
    )
    assert results(rehearse(company.world, [*rest, poison])) == ["would be tried", "would be tried", "not tried"]
    report = send(company, poison, *rest)
    assert results(report) == ["not tried", "delivered", "delivered"]
    assert report.deliveries[0].error
    assert event(company, poison).status == "failed"


def test_batch_that_cannot_be_written_stops_nobody(company: Company) -> None:
    """A row that refuses the claim is named, and nothing was sent for it; the others are told."""
    poison, *rest = given_up(company, "/poison", "/a", "/b")
    company.sql("alter table batch_jobs add constraint poison check (webhook_url not like '%%/poison') not valid")
    report = send(company, poison, *rest)
    assert results(report) == ["not tried", "delivered", "delivered"]
    assert "poison" in (report.deliveries[0].error or "")
    assert (event(company, poison).attempts, len(company.tries(poison))) == (1, 1)


@pytest.mark.parametrize("answer", [200, 500])
def test_try_that_cannot_be_recorded_is_said(company: Company, answer: int) -> None:
    """The receiver may have it, and the report says so; the others are recorded."""
    poison, *rest = given_up(company, "/poison", "/a")
    company.receiver.script("/poison", then=http_status(answer))
    company.sql(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this'; end $$;"
        "create trigger refuse before update on webhook_deliveries for each row"
        " when (new.url like '%%/poison' and new.attempts = old.attempts) execute function refuse()"
    )
    report = send(company, poison, *rest)
    assert results(report) == ["delivered" if answer == 200 else "not delivered", "delivered"]
    assert report.findings
    assert ("the receiver has it" in report.findings[0].message) == (answer == 200)
    company.sql("drop trigger refuse on webhook_deliveries")
    company.tries_cut_short = 1
    company.clock.advance(100)
    assert results(send(company, poison)) == results(report)[:1]


def test_report_tells_what_was_done_before_the_database_went_away(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that fails ends it: what was delivered is told, the rest was not tried, and the exit code is 69."""
    first, second = given_up(company, "/a", "/b")
    company.world = replace(company.world, webhook_http=ThreadedHttp(1))
    hold_still = deliveries.hold_still
    calls: list[int] = []

    def go_away(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise UnreachableProblem("gone")
        return hold_still(*arguments)

    monkeypatch.setattr(deliveries, "hold_still", go_away)
    with closing(company.world.webhook_http):
        report = send(company, first, second)
    assert results(report) == ["delivered", "not tried"]
    assert [(finding.exit_code, finding.message) for finding in report.findings] == [
        (69, "gone"),
        (1, "of 2 deliveries 1 not tried"),
    ]


def test_report_tells_that_a_try_could_not_be_kept(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database stays away after the post, that is said of this delivery, and a later resend settles it."""
    (batch_id,) = given_up(company, "/a")

    def away(*_: object, **__: object) -> None:
        raise UnreachableProblem("gone")

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "record", away)
        line = only(send(company, batch_id))
    assert (line.result, line.error) == (
        "not delivered",
        "a try was begun, and what became of it could not be written down",
    )
    company.tries_cut_short = 1
    company.clock.advance(60)
    assert only(send(company, batch_id)).status == "sent"


def test_stop_finishes_what_is_in_flight(company: Company) -> None:
    """Nothing more is begun after the signal, what is in flight is recorded, and the rest is listed as not tried."""
    batch_ids = given_up(company, "/a", "/b", "/c", "/d")
    company.world = replace(company.world, webhook_http=ThreadedHttp(2))
    asked = len(company.receiver.journal.entries)
    with closing(company.world.webhook_http):
        report = resend(company.world, batch_ids, lambda: len(company.receiver.journal.entries) > asked)
    told_count = results(report).count("delivered")
    assert 1 <= told_count <= 3
    assert results(report) == ["delivered"] * told_count + ["not tried"] * (4 - told_count)
    assert report.deliveries[-1].error == "stopped before its turn"
    assert [event(company, batch_id).status for batch_id in batch_ids] == [
        "sent" if result == "delivered" else "failed" for result in results(report)
    ]


# What passes and resends share


def test_batch_of_a_delivery_that_is_given_up_says_so(company: Company) -> None:
    """A delivery that the database will not have claimed is failed, and where it can be written its batch says that."""
    batch_id = refused(company)
    dispatch(company.world, start_pass(company.world, None))
    company.sql("update webhook_deliveries set attempts = 2147483647 where batch_job_id = %s", batch_id)
    assert company.run_pass().webhook.failed == 1
    batch = company.batch(batch_id)
    assert (batch.webhook_status, batch.webhook_last_error) == ("failed", event(company, batch_id).last_error)
    company.sql("update webhook_deliveries set attempts = 0")
    company.sql("update batch_jobs set webhook_attempts = 0")


def test_batch_of_a_try_that_cannot_be_recorded_says_so(company: Company) -> None:
    """The same where it is the record of a try that the database refuses, in a pass or in a resend."""
    company.sql("alter table webhook_deliveries add constraint poison check (last_status_code <> 500)")
    company.receiver.script("/hook", then=DOWN)
    by_pass, by_resend = refused(company), refused(company)
    dispatch(company.world, start_pass(company.world, None))
    send(company, by_resend)
    assert company.run_pass().webhook.failed == 1
    for batch_id in (by_pass, by_resend):
        batch = company.batch(batch_id)
        assert (batch.webhook_status, batch.webhook_attempts) == ("failed", 1)
        assert "poison" in batch.webhook_last_error
    company.sql("update delivery_attempts set duration_ms = 0")


def test_delivery_is_given_up_together_with_its_batch(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies before its batch says so leaves the delivery open: never do the two say different things."""
    company.sql("alter table webhook_deliveries add constraint poison check (last_status_code <> 500)")
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    dispatch(company.world, start_pass(company.world, None))

    def die(*_: object, **__: object) -> None:
        raise UnreachableProblem("killed")

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "tell_batches", die)
        company.run_pass()
    assert (event(company, batch_id).status, company.batch(batch_id).webhook_status) == ("pending", "pending")
    company.tries_cut_short = 1
    company.clock.advance(60)
    assert company.run_pass().webhook.failed == 1
    assert (event(company, batch_id).status, company.batch(batch_id).webhook_status) == ("failed", "failed")
    company.sql("update delivery_attempts set duration_ms = 0")
    company.tries_cut_short = 0


def test_delivery_is_given_up_without_a_batch_that_cannot_be_written(company: Company) -> None:
    """Where the batch's row refuses, too, the delivery alone is failed, and nobody tries it for ever."""
    company.sql("alter table webhook_deliveries add constraint poison check (last_status_code <> 500)")
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    dispatch(company.world, start_pass(company.world, None))
    company.sql("alter table batch_jobs add constraint poison check (webhook_status <> 'failed') not valid")
    assert company.run_pass().webhook.failed == 1
    assert event(company, batch_id).status == "failed"
    company.sql("alter table batch_jobs drop constraint poison")
    company.sql("update delivery_attempts set duration_ms = 0")
    company.sql("update batch_jobs set webhook_status = 'failed', webhook_attempts = 1, webhook_last_error = 'x'")


def test_acknowledgement_counts_after_it_was_given_up(company: Company) -> None:
    """A receiver that takes the event while the delivery is given up elsewhere has it: it is sent."""
    batch_id = refused(company)

    def give_up(_: object) -> None:
        company.sql("update webhook_deliveries set status = 'failed', next_attempt_at = null, attempts = attempts + 1")
        company.sql(
            "insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms)"
            " select id, attempts, created_at, 0 from webhook_deliveries"
        )

    company.when_told = give_up
    assert company.run_pass().webhook == WebhookReport(sent=1)
    assert (event(company, batch_id).status, company.batch(batch_id).webhook_status) == ("sent", "sent")
