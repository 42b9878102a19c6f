"""Webhooks: what a customer receives, and when it is tried again (contract §5)."""

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.report import WebhookReport
from batchctl.gateways.http import ThreadedHttp
from batchctl.service.dispatch import dispatch
from batchctl.service.webhooks import deliver
from batchctl.service.world import start_pass
from batchctl.simulator.faults import fault_named, http_status
from batchctl.simulator.journal import Check, Received
from batchctl.simulator.receiver import ANY_PATH, Receiver
from batchctl.simulator.server import Request
from tests.scenario import SECRET, Company, at_work

SLOW_S = [300, 1800, 3600, 7200, 10_800, 18_000, 21_600, 28_800]
DOWN = http_status(500)
FAILING = (411, 429, 500, 501, 502, 503, 504, 599)


def refused(company: Company, webhook: str = "/hook", user_id: UUID | None = None) -> UUID:
    """Enqueue a batch that is refused for want of a wallet: its event is written and tried in the next pass."""
    return company.enqueue(user_id or uuid4(), 1, webhook=webhook)


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def received(company: Company, path: str = "/hook") -> list[Received]:
    """Return what arrived at a path of the receiver, in order."""
    return [entry for entry in company.receiver.journal.entries if entry.path == path]


def own_secret(company: Company, secret: str, only: str = "") -> None:
    """Give every endpoint, or those whose address ends so, this secret of its own."""
    company.sql(
        "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"  # noqa: S608 - our own secret
        " returns table (url text, secret text) language sql stable as $$"
        f" select b.webhook_url, '{secret}' from batch_jobs as b"
        f" where b.id = p_batch_id and right(b.webhook_url, {len(only)}) = '{only}' $$"
    )


@pytest.mark.parametrize(
    ("prompts", "status", "succeeded"),
    [
        (["a", "b"], "completed", 2),
        (["a", "b [sim: fail=error]"], "partial", 1),
        (["a [sim: fail=error]"], "failed", 0),
    ],
)
def test_customer_receives_the_contracts_event(
    company: Company, prompts: list[str], status: str, succeeded: int
) -> None:
    """Every header and every field, the exact body that was stored, both signatures valid."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, prompts)
    company.run_until_quiet()

    (entry,) = received(company)
    batch, delivery = company.batch(batch_id), event(company, batch_id)
    assert (entry.method, entry.headers["content-type"]) == ("POST", "application/json")
    assert entry.headers["x-batch-id"] == str(batch_id)
    assert entry.headers["webhook-id"] == str(delivery.id)
    assert entry.headers["webhook-timestamp"] == str(int(company.clock.now.timestamp()))
    assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)
    assert entry.body == delivery.body.encode()
    assert json.loads(entry.body) == {
        "type": f"batch.{status}",
        "batch_id": str(batch_id),
        "user_id": str(customer),
        "status": status,
        "total_count": len(prompts),
        "success_count": succeeded,
        "failed_count": len(prompts) - succeeded,
        "credits_spent": succeeded * 10,
        "credits_refunded": (len(prompts) - succeeded) * 10,
        "reason": None,
        "timestamp": int(batch.completed_at.timestamp() * 1000),
    }


def test_refused_batch_is_told_in_the_pass_that_refuses_it(company: Company) -> None:
    """The event says why, and nothing was spent or refunded (contract §2)."""
    batch_id = refused(company)
    assert company.run_pass().webhook == WebhookReport(sent=1)
    told = json.loads(received(company)[0].body)
    assert (told["type"], told["reason"], told["failed_count"]) == ("batch.failed", "WALLET_NOT_FOUND", 1)
    assert (told["credits_spent"], told["credits_refunded"]) == (0, 0)
    assert event(company, batch_id).delivered_at == company.clock.now


def test_status_decides(company: Company) -> None:
    """2xx delivers, 410 ends it, all else is a failed try; no redirect is followed (contract §5)."""
    company.limit(max_claim=100, webhook_quick_retries=0)
    sent, gone, failed = (200, 201, 202, 204, 299), (410,), (300, 301, 302, 303, 307, 308, *range(400, 410), *FAILING)
    batches: dict[int, UUID] = {}
    for status in (*sent, *gone, *failed):
        company.receiver.script(
            f"/{status}", then=http_status(status, location=f"{company.receiver.base_url}/elsewhere")
        )
        batches[status] = refused(company, f"/{status}")

    report = company.run_pass().webhook

    assert report == WebhookReport(sent=len(sent), failed=1, retrying=len(failed), endpoints_disabled=1)
    for status, batch_id in batches.items():
        delivery = event(company, batch_id)
        expected = "sent" if status in sent else "failed" if status in gone else "retrying"
        assert (delivery.status, delivery.last_status_code, delivery.attempts) == (expected, status, 1)
    assert received(company, "/elsewhere") == []
    assert event(company, batches[410]).next_attempt_at is None
    assert company.batch(batches[410]).webhook_status == "failed"


def test_answer_has_one_deadline_and_a_size(dsn: str) -> None:
    """A try ends at its total deadline, however busily the receiver drips, and sooner on an answer without end."""
    fault_named("gzip_bomb")  # It is made once, which takes longer than the deadline here.
    with at_work(dsn, timeout_ms=600) as company:
        company.limit(webhook_quick_retries=0, webhook_timeout_ms=600, max_claim=20)
        slow, broken, flood = ("drip", "hang", "stall"), ("reset", "close", "headers"), ("huge", "gzip_bomb", "leave")
        batches = {word: refused(company, f"/hook?sim={word}") for word in (*slow, *broken, *flood)}
        company.run_pass()
        tries = {word: company.tries(batch_id)[0] for word, batch_id in batches.items()}
        for word in slow:
            assert tries[word].error.startswith("TIMEOUT: "), word
            assert 600 <= tries[word].duration_ms < 1600, word
        for word in broken:
            assert tries[word].error.startswith("RESET: "), word
        for word in flood:
            assert (tries[word].status_code, tries[word].error) == (200, None), word
        assert all(tries[word].duration_ms < 600 for word in (*broken, *flood))


def test_receiver_that_is_away_is_tried_again(company: Company) -> None:
    """Nobody at home is a failed try like any other."""
    company.limit(webhook_quick_retries=0)
    company.receiver.stop()
    batch_id = refused(company)
    assert company.run_pass().webhook == WebhookReport(retrying=1)
    delivery = event(company, batch_id)
    assert (delivery.last_status_code, delivery.last_error.partition(":")[0]) == (None, "REFUSED")
    company.receiver.start()
    company.clock.advance(360)
    assert company.run_pass().webhook == WebhookReport(sent=1)


def test_quick_retries_are_exact_and_within_the_pass(company: Company) -> None:
    """First try, then 500, 1500 and 3500 ms later by the clock; the report counts the delivery and not its tries."""
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    assert company.run_pass().webhook == WebhookReport(retrying=1)

    tries = company.tries(batch_id)
    assert [one.attempt for one in tries] == [1, 2, 3, 4]
    assert [later.started_at - one.started_at for one, later in pairwise(tries)] == [
        timedelta(milliseconds=ms) for ms in (500, 1500, 3500)
    ]
    assert company.clock.slept == [0.5, 1.5, 3.5]
    entries = received(company)
    assert {entry.webhook_id for entry in entries} == {str(event(company, batch_id).id)}
    assert [int(entry.headers["webhook-timestamp"]) for entry in entries] == [
        int(one.started_at.timestamp()) for one in tries
    ]


def test_quick_retries_of_several_receivers_run_together(company: Company) -> None:
    """The pass waits once for all of them, and each delivery ends when its own receiver answers."""
    for path, failures in (("/a", 1), ("/b", 2), ("/c", 3), ("/d", 4)):
        company.receiver.script(path, *[DOWN] * failures)
    batches = {path: refused(company, path) for path in ("/a", "/b", "/c", "/d", "/e")}
    assert company.run_pass().webhook == WebhookReport(sent=4, retrying=1)
    assert company.clock.slept == [0.5, 1.5, 3.5]
    assert [event(company, batches[path]).attempts for path in ("/a", "/b", "/c", "/d", "/e")] == [2, 3, 4, 4, 1]


def keep_open_until_retried(company: Company, seconds: float) -> Event:
    """Have /slow answer when /fast was tried again, half a second of the clock later, or after `seconds` in vain."""
    retried = Event()

    def when_told(request: Request) -> None:
        if request.path == "/slow":
            while not company.sql("select 1 from webhook_deliveries where status = 'retrying'"):
                retried.wait(0.01)
            company.clock.advance(0.5)
            retried.wait(seconds)
        elif received(company, "/fast"):
            retried.set()

    company.when_told = when_told
    company.receiver.script("/fast", DOWN)
    return retried


def test_slow_receiver_does_not_hold_up_anothers_retries(company: Company) -> None:
    """While one receiver keeps its connection open, the retry of another is made when it is due."""
    retried = keep_open_until_retried(company, 0.9)
    slow, fast = refused(company, "/slow"), refused(company, "/fast")
    assert company.run_pass().webhook == WebhookReport(sent=2)
    assert (event(company, slow).attempts, event(company, fast).attempts) == (1, 2)
    assert (retried.is_set(), company.clock.slept) == (True, [])


def test_spent_pass_retries_nothing_while_it_waits_for_answers(company: Company) -> None:
    """A retry that becomes due after the end of the pass is left alone, though answers are still awaited."""
    keep_open_until_retried(company, 0.3)
    slow, fast = refused(company, "/slow"), refused(company, "/fast")
    assert company.run_pass(deadline_s=0.0).webhook == WebhookReport(sent=1, retrying=1)
    assert (event(company, slow).attempts, event(company, fast).attempts) == (1, 1)


def test_spent_pass_makes_first_tries_and_no_others(company: Company) -> None:
    """What a pass writes it also tries, more than fit in flight at once; retries are left to passes with time."""
    company.receiver.script("/old", then=DOWN)
    company.limit(webhook_quick_retries=0, max_claim=100)
    old = refused(company, "/old")
    company.run_pass()
    company.clock.advance(3600)
    left_over = refused(company, "/left-over")
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(1)
    company.world = replace(company.world, webhook_http=ThreadedHttp(2))
    for number in range(7):
        company.receiver.script(f"/{number}", then=DOWN)
        refused(company, f"/{number}")

    report = company.run_pass(deadline_s=0.0)

    assert (report.dispatch.freeze_failed, report.webhook) == (7, WebhookReport(retrying=7))
    assert (event(company, old).attempts, event(company, left_over).attempts) == (1, 0)
    assert company.run_pass().webhook == WebhookReport(sent=1, retrying=1)
    assert (event(company, old).attempts, event(company, left_over).attempts) == (2, 1)
    company.world.webhook_http.close()


def test_pass_waits_no_longer_than_its_deadline(company: Company) -> None:
    """Quick retries that would come after the end of the pass are made by a later one."""
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    company.run_pass(deadline_s=1.3)
    assert company.clock.slept == [0.5]
    assert company.run_pass().webhook == WebhookReport()
    company.clock.advance(1.5)
    company.run_pass()
    assert company.clock.slept == [0.5, 3.5]
    assert event(company, batch_id).attempts == 4


def test_worker_that_must_stop_tries_nothing(company: Company) -> None:
    """A signal ends the stage before the next try (contract §6); the event is left for the next pass."""
    batch_id = refused(company)
    budget = start_pass(company.world, None)
    dispatch(company.world, budget)
    assert deliver(company.world, replace(budget, stopping=lambda: True)) == WebhookReport()
    assert (event(company, batch_id).status, event(company, batch_id).attempts) == ("pending", 0)
    assert company.run_pass().webhook == WebhookReport(sent=1)


def test_slow_retries_go_on_over_later_passes_until_none_is_left(company: Company) -> None:
    """5 min to 8 h, ± 20 %, kept in the database; then the delivery has failed, and the batch says so."""
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    company.run_pass()
    waits_s: list[float] = []
    while (delivery := event(company, batch_id)).next_attempt_at is not None:
        waits_s.append((delivery.next_attempt_at - company.clock.now).total_seconds())
        company.clock.now = delivery.next_attempt_at - timedelta(milliseconds=2)
        assert company.run_pass().webhook == WebhookReport()
        report = company.run_pass().webhook
        assert report == (WebhookReport(retrying=1) if len(waits_s) < 8 else WebhookReport(failed=1))

    assert len(waits_s) == 8
    assert all(0.8 * step_s <= wait_s <= 1.2 * step_s for wait_s, step_s in zip(waits_s, SLOW_S, strict=True))
    assert (delivery.status, delivery.attempts, len(company.tries(batch_id))) == ("failed", 12, 12)
    batch = company.batch(batch_id)
    assert (batch.webhook_status, batch.webhook_attempts, batch.webhook_last_error) == ("failed", 12, "HTTP 500")
    company.clock.advance(1_000_000)
    assert company.run_pass().is_idle


def test_no_slow_retries_when_they_are_turned_off(company: Company) -> None:
    """ENTERPRISE_WEBHOOK_SLOW_RETRIES=0: the quick ones only."""
    company.limit(webhook_slow_retries=0)
    company.receiver.script("/hook", then=DOWN)
    batch_id = refused(company)
    assert company.run_pass().webhook == WebhookReport(failed=1)
    assert (event(company, batch_id).status, event(company, batch_id).attempts) == ("failed", 4)


def test_receiver_that_comes_back_gets_the_same_event(company: Company) -> None:
    """Hours later the id and the body are what they were, though time and signature are new."""
    company.receiver.script("/hook", *[DOWN] * 6)
    refused(company)
    company.run_until_quiet(step_s=3600)
    entries = received(company)
    assert len(entries) == 7
    assert len({(entry.webhook_id, entry.body) for entry in entries}) == 1
    assert len({entry.headers["webhook-signature"] for entry in entries}) >= 4
    assert [entry.acknowledged for entry in entries] == [False] * 6 + [True]


def test_retry_after_is_heeded_up_to_an_hour(company: Company) -> None:
    """It lengthens the wait and never shortens it; the pass waits for a short one and not for a long one."""
    date = format_datetime(company.clock.now + timedelta(seconds=600), usegmt=True)
    asks = {"/none": None, "/short": "2", "/shorter": "0", "/x": "soon"}
    asks |= {"/long": "120", "/date": date, "/ever": "999999999"}
    for path, retry_after in asks.items():
        company.receiver.script(path, http_status(503, retry_after=retry_after), then=DOWN)
    batches = {path: refused(company, path) for path in asks}
    company.limit(max_claim=20, webhook_slow_retries=0)
    began = company.clock.now

    assert company.run_pass().webhook == WebhookReport(failed=4, retrying=3)

    waits_s: dict[str, float] = {}
    for path, batch_id in batches.items():
        delivery = event(company, batch_id)
        due_at = delivery.next_attempt_at or company.tries(batch_id)[1].started_at
        waits_s[path] = round((due_at - began).total_seconds(), 1)
    assert waits_s["/none"] == waits_s["/shorter"] == waits_s["/x"] == 0.5
    assert (waits_s["/short"], waits_s["/long"], waits_s["/ever"]) == (2, 120, 3600)
    assert 598 <= waits_s["/date"] <= 600
    assert sum(company.clock.slept) == pytest.approx(2 + 1.5 + 3.5)


def test_batch_tells_how_its_webhook_stands(company: Company) -> None:
    """Pending before the first try, retrying while tries are left, then sent; all tries are counted (contract §5)."""
    company.receiver.script("/hook", *[DOWN] * 4)
    batch_id = refused(company)
    dispatch(company.world, start_pass(company.world, None))
    batch = company.batch(batch_id)
    assert (batch.webhook_status, batch.webhook_attempts, batch.webhook_last_sent_at) == ("pending", 0, None)

    company.run_pass()
    batch = company.batch(batch_id)
    assert (batch.webhook_status, batch.webhook_attempts, batch.webhook_last_error) == ("retrying", 4, "HTTP 500")
    assert batch.webhook_last_sent_at == company.clock.now

    company.clock.advance(360)
    company.run_pass()
    batch = company.batch(batch_id)
    assert (batch.webhook_status, batch.webhook_attempts, batch.webhook_last_error) == ("sent", 5, None)
    assert batch.webhook_last_sent_at == company.clock.now
    first, *_, last = company.tries(batch_id)
    assert (first.status_code, first.error, first.duration_ms >= 0) == (500, "HTTP 500", True)
    assert (last.attempt, last.status_code, last.error, last.started_at) == (5, 200, None, company.clock.now)


def test_delivery_without_secret_waits_untried(dsn: str) -> None:
    """It is looked at every 5 minutes for the slow window and then failed; nothing is sent (contract §3)."""
    with at_work(dsn, default_secret=None) as company:
        batch_id = refused(company)
        written_at = company.clock.now
        assert company.run_pass().webhook == WebhookReport(waiting_for_secret=1)
        delivery, batch = event(company, batch_id), company.batch(batch_id)
        assert (delivery.status, delivery.attempts, delivery.last_error) == ("pending", 0, "WEBHOOK_SECRET_MISSING")
        assert delivery.next_attempt_at == company.clock.now + timedelta(minutes=5)
        assert (batch.webhook_status, batch.webhook_last_error) == ("pending", "WEBHOOK_SECRET_MISSING")

        company.clock.now = written_at + timedelta(seconds=sum(SLOW_S) - 1)
        assert company.run_pass().webhook == WebhookReport(waiting_for_secret=1)
        company.clock.advance(300)
        assert company.run_pass().webhook == WebhookReport(failed=1)
        delivery, batch = event(company, batch_id), company.batch(batch_id)
        assert (delivery.status, delivery.attempts, batch.webhook_status) == ("failed", 0, "failed")
        assert (company.tries(batch_id), company.receiver.connections) == ([], 0)


def test_secret_that_turns_up_lets_the_delivery_go(dsn: str) -> None:
    """Once its endpoint has a secret the event is signed with it and sent."""
    with at_work(dsn, default_secret=None) as company:
        refused(company)
        company.run_pass()
        own_secret(company, SECRET)
        company.clock.advance(300)
        assert company.run_pass().webhook == WebhookReport(sent=1)


def test_nothing_unsigned_is_tried_however_much_waits(dsn: str) -> None:
    """More than fit in flight at once, and all of it waits; what has a secret is sent, though it came last."""
    with at_work(dsn, default_secret=None) as company:
        company.limit(max_claim=100)
        batches = [refused(company) for _ in range(45)]
        dispatch(company.world, start_pass(company.world, None))
        company.clock.advance(1)
        refused(company, "/signed")
        own_secret(company, SECRET, only="/signed")
        assert company.run_pass().webhook == WebhookReport(waiting_for_secret=45, sent=1)
        assert {event(company, batch_id).attempts for batch_id in batches} == {0}


@pytest.mark.parametrize("secret", ["another-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_endpoint_with_a_secret_of_its_own(company: Company, secret: str) -> None:
    """The function of the database says which secret signs; the default one is for all others (contract §1)."""
    default_id = refused(company)
    company.run_pass()
    own_secret(company, secret)
    with Receiver(secret=secret) as receiver:
        refused(company, f"{receiver.base_url}/own")
        assert company.run_pass().webhook == WebhookReport(sent=1)
        (entry,) = receiver.journal.entries
        assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)
    assert event(company, default_id).status == "sent"


def test_malformed_secret_is_a_failed_try_without_a_request(company: Company) -> None:
    """A secret that cannot be used is said, and nothing is sent with a wrong signature."""
    own_secret(company, "whsec_!!!")
    batch_id = refused(company)
    assert company.run_pass().webhook == WebhookReport(retrying=1)
    assert event(company, batch_id).last_error.startswith("WEBHOOK_SECRET_MALFORMED")
    assert company.receiver.connections == 0


def test_unsigned_where_that_is_allowed(dsn: str) -> None:
    """ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED sends without any signature, and still with an id and a time."""
    with at_work(dsn, default_secret=None, allow_unsigned=True) as company, Receiver(secret=SECRET) as receiver:
        refused(company, f"{receiver.base_url}/hook")
        assert company.run_pass().webhook == WebhookReport(sent=1)
        (entry,) = receiver.journal.entries
        assert not {"x-webhook-signature", "webhook-signature"} & set(entry.headers)
        assert {"webhook-id", "webhook-timestamp", "x-batch-id"} <= set(entry.headers)


def test_insecure_address_is_never_connected_to(dsn: str) -> None:
    """Without leave, plain http and addresses that are not public are failed tries that open no connection."""
    with at_work(dsn, allow_insecure=False) as company:
        port = company.receiver.base_url.rpartition(":")[2]
        company.limit(webhook_quick_retries=0, max_claim=20)
        batches = [
            refused(company, url)
            for url in (
                company.receiver.base_url,
                f"https://127.0.0.1:{port}/",
                f"https://localhost:{port}/",
                f"https://[::1]:{port}/",
                "https://169.254.169.254/latest/meta-data/",
                "https://user:word@example.com/",
            )
        ]
        assert company.run_pass().webhook == WebhookReport(retrying=len(batches))
        assert {event(company, batch_id).last_error.partition(":")[0] for batch_id in batches} <= {
            "FORBIDDEN_URL",
            "FORBIDDEN_ADDRESS",
        }
        assert company.receiver.connections == 0


def test_forbidden_addresses_hold_up_nobody(dsn: str) -> None:
    """More of them than fit in flight at once, and still every event of the pass is tried."""
    with at_work(dsn, allow_insecure=False) as company:
        company.limit(webhook_quick_retries=0, max_claim=100)
        batches = [refused(company, f"http://a{number}.example/") for number in range(45)]
        assert company.run_pass().webhook == WebhookReport(retrying=45)
        assert {event(company, batch_id).attempts for batch_id in batches} == {1}


@pytest.mark.parametrize("path", ["/hook", "/hook/{number}", "/hook?batch={number}"])
def test_backlog_of_one_customer_holds_up_no_other(company: Company, path: str) -> None:
    """A new event of another customer is tried in the first turn, though many are due for longer."""
    busy, quiet = uuid4(), uuid4()
    company.limit(max_claim=100)
    for number in range(30):
        refused(company, path.format(number=number), user_id=busy)
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(1)
    refused(company, "/quiet", user_id=quiet)
    company.world = replace(company.world, webhook_http=ThreadedHttp(2))
    assert company.run_pass().webhook == WebhookReport(sent=31)
    assert "/quiet" in [entry.path for entry in company.receiver.journal.entries[:10]]
    company.world.webhook_http.close()


def test_place_that_becomes_free_goes_to_who_has_none(company: Company) -> None:
    """An event that comes while another customer's backlog fills all places is the next to be tried."""
    busy, quiet = uuid4(), uuid4()
    company.limit(max_claim=100)
    for number in range(10):
        refused(company, f"/busy/{number}?latency={0.3 if number == 1 else 0}", user_id=busy)
    dispatch(company.world, start_pass(company.world, None))
    for number in range(10):
        due_at = company.clock.now - timedelta(seconds=20 - number)
        company.sql("update webhook_deliveries set next_attempt_at = %s where url like %s", due_at, f"%/{number}?%")

    def when_told(request: Request) -> None:
        if request.path.startswith("/busy/0"):
            refused(company, "/quiet", user_id=quiet)
            with company.other_worker() as other:
                dispatch(other, start_pass(other, None))

    company.when_told = when_told
    company.world = replace(company.world, webhook_http=ThreadedHttp(2))
    assert deliver(company.world, start_pass(company.world, None)) == WebhookReport(sent=11)
    assert company.receiver.journal.entries[2].path == "/quiet"
    company.world.webhook_http.close()


def test_first_tries_come_before_retries(company: Company) -> None:
    """Where many receivers are dead, one that has not been tried yet is not kept waiting by them."""
    company.receiver.script(ANY_PATH, then=DOWN)
    company.limit(webhook_quick_retries=0, max_claim=100)
    for number in range(10):
        refused(company, f"/{number}")
    company.run_pass()
    company.clock.advance(3600)
    refused(company, "/new")
    company.world = replace(company.world, webhook_http=ThreadedHttp(1))
    company.run_pass()
    assert company.receiver.journal.entries[10].path == "/new"
    company.world.webhook_http.close()


# Rows that the database will not let through


def poisoned(company: Company, others: int = 2) -> tuple[UUID, list[UUID]]:
    """Have events written that are due: first one for /poison, then so many for others; return their batches."""
    company.limit(max_claim=100)
    poison = refused(company, "/poison")
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(1)
    rest = [refused(company, f"/{number}") for number in range(others)]
    dispatch(company.world, start_pass(company.world, None))
    return poison, rest


def assert_only_poison_is_given_up(company: Company, poison: UUID, rest: list[UUID], reason: str) -> None:
    """Run two passes: the first delivers the rest and names the offender, the second finds nothing to do."""
    report = company.run_pass()
    assert report.webhook == WebhookReport(sent=len(rest), failed=1, findings=report.findings)
    assert {event(company, batch_id).status for batch_id in rest} == {"sent"}
    offender = event(company, poison)
    assert (offender.status, offender.next_attempt_at) == ("failed", None)
    assert reason in offender.last_error
    (finding,) = report.findings
    assert (finding.exit_code, str(offender.id) in finding.message, reason in finding.message) == (1, True, True)
    company.clock.advance(100_000)
    assert company.run_pass().is_idle


def repair(company: Company) -> None:
    """Do what an operator does about deliveries that were given up: bring the books of their batches up to date."""
    company.sql("update delivery_attempts set duration_ms = 0 where duration_ms is null")
    company.sql(
        "update webhook_deliveries as d set attempts ="
        " (select count(*) from delivery_attempts as a where a.delivery_id = d.id) where d.status = 'failed'"
    )
    company.sql(
        "update batch_jobs as b set webhook_status = d.status, webhook_attempts = d.attempts"
        " from webhook_deliveries as d where d.batch_job_id = b.id"
    )


def test_delivery_that_cannot_be_claimed_stops_nobody(company: Company) -> None:
    """One whose count of tries is at its end is given up without a try; the others are delivered."""
    poison, rest = poisoned(company)
    company.sql("update webhook_deliveries set attempts = 2147483647 where batch_job_id = %s", poison)
    assert_only_poison_is_given_up(company, poison, rest, "integer out of range")
    assert received(company, "/poison") == []
    repair(company)


@pytest.mark.parametrize("default_secret", [SECRET, None])
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("raise exception 'no such endpoint'", "no such endpoint"),
        ("select b.id into strict url from batch_jobs as b where false", "query returned no rows"),
        ("select b.id into strict url from batch_jobs as b", "query returned more than one row"),
        ("url := (select b.id from batch_jobs as b)", "more than one row returned by a subquery"),
    ],
)
def test_endpoint_that_cannot_be_looked_up_stops_nobody(
    dsn: str, default_secret: str | None, failure: str, reason: str
) -> None:
    """Where the database's function of endpoints fails for one batch, its event is given up, and only that."""
    with at_work(dsn, default_secret=default_secret) as company:
        poison, rest = poisoned(company)
        company.sql(
            "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"  # noqa: S608 - our own words
            " returns table (url text, secret text) language plpgsql stable as $$ begin"
            f" if p_batch_id = '{poison}' then {failure}; end if;"
            f" return query select b.webhook_url, '{SECRET}'::text from batch_jobs as b where b.id = p_batch_id; end $$"
        )
        assert_only_poison_is_given_up(company, poison, rest, reason)
        assert received(company, "/poison") == []
        repair(company)


@pytest.mark.parametrize("answer", [200, 500])
def test_try_that_cannot_be_recorded_stops_nobody(company: Company, answer: int) -> None:
    """Where the batch's row is refused its event is given up: it was posted once, and is never posted again."""
    company.receiver.script("/poison", then=http_status(answer))
    poison, rest = poisoned(company)
    company.sql(
        "alter table batch_jobs add constraint no_poison check (webhook_url not like '%%/poison' or"
        " webhook_attempts = 0)"
    )
    assert_only_poison_is_given_up(company, poison, rest, "no_poison")
    assert len(received(company, "/poison")) == 1
    assert ("the receiver has it" in event(company, poison).last_error) == (answer == 200)
    company.sql("alter table batch_jobs drop constraint no_poison")
    repair(company)


def test_retry_that_cannot_be_recorded_is_counted_once(company: Company) -> None:
    """A delivery that was to be tried again in this pass, and is given up then, has failed and is not waited for."""
    company.receiver.script("/poison", then=DOWN)
    poison, _ = poisoned(company, others=0)
    company.sql(
        "alter table batch_jobs add constraint no_poison check (webhook_url not like '%%/poison' or"
        " webhook_attempts < 2)"
    )
    report = company.run_pass()
    assert report.webhook == WebhookReport(failed=1, findings=report.findings)
    assert (len(received(company, "/poison")), company.clock.slept) == (2, [0.5])
    assert "no_poison" in event(company, poison).last_error
    company.sql("alter table batch_jobs drop constraint no_poison")
    repair(company)


def test_delivery_that_cannot_even_be_given_up_stops_nobody(company: Company) -> None:
    """Where its own row is refused whatever is written, it is named with both reasons, and the others get places."""
    poison, rest = poisoned(company)
    company.sql(
        "alter table webhook_deliveries add constraint no_poison check (url not like '%%/poison') not valid;"
        "alter table webhook_deliveries add constraint at_all check (url not like '%%/poison' or status <> 'failed')"
    )
    company.world = replace(company.world, webhook_http=ThreadedHttp(1))

    report = company.run_pass()

    assert {event(company, batch_id).status for batch_id in rest} == {"sent"}
    (finding,) = report.findings
    assert str(event(company, poison).id) in finding.message
    assert ("no_poison" in finding.message, "at_all" in finding.message) == (True, True)
    assert received(company, "/poison") == []
    company.sql(
        "alter table webhook_deliveries drop constraint no_poison;alter table webhook_deliveries drop constraint at_all"
    )
    assert company.run_pass().webhook == WebhookReport(sent=1)
    company.world.webhook_http.close()
