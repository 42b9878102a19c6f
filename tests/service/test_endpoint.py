"""Customers' endpoints: secrets of their own, rotation, and what happens while one is disabled (contract §1, §5)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook

from batchctl.domain.endpoint import (
    FAILING_TOO_LONG,
    MAX_SECRETS,
    RELEASED_PER_SECOND,
    EndpointLine,
    EndpointReport,
)
from batchctl.domain.problem import ConfigProblem, Problem, UsageProblem
from batchctl.domain.report import WebhookReport
from batchctl.domain.resend import ResendLine
from batchctl.service import endpoint as service
from batchctl.service.resend import rehearse, resend
from batchctl.service.world import World
from batchctl.simulator.faults import http_status
from batchctl.simulator.journal import Check, Received
from batchctl.simulator.receiver import ANY_PATH, Receiver
from batchctl.vault import FernetVault
from tests.conftest import pg_dump
from tests.scenario import KEY, SECRET, Company, at_work

DOWN, GONE = http_status(500), http_status(410)
OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiBhIGN1c3RvbWVyISE=", "whsec_bmV3IHNlY3JldCBvZiBhIGN1c3RvbWVyISE="
OTHER_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
DAY_S = 86_400.0


def told(company: Company, user_id: UUID, path: str = "/hook") -> UUID:
    """Enqueue a batch that is refused for want of a wallet: its event is written and tried in the next pass."""
    company.limit(max_claim=100)
    return company.enqueue(user_id, 1, webhook=path)


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def add(company: Company, user_id: UUID, secret: str | None = OLD, path: str = "/hook") -> UUID:
    """Add a secret for an endpoint of the company's receiver."""
    return service.add(company.world, user_id, company.receiver.base_url + path, secret).endpoint.id


def endpoints(company: Company, *, only_disabled: bool = False) -> list[EndpointLine]:
    """Return all endpoints as they are listed."""
    return list(service.list_some(company.world, user_id=None, only_disabled=only_disabled, limit=100).endpoints)


def only(company: Company) -> EndpointLine:
    """Return the only endpoint."""
    (line,) = endpoints(company)
    return line


def last(company: Company) -> Received:
    """Return what arrived last."""
    return company.receiver.journal.entries[-1]


def opens(entry: Received, secret: str) -> bool:
    """Say whether the reference library finds its own signature under a secret among those that arrived."""
    webhook = Webhook(secret if secret.startswith("whsec_") else secret.encode())
    at = datetime.fromtimestamp(int(entry.headers["webhook-timestamp"]), UTC)
    return webhook.sign(entry.webhook_id, at, entry.body.decode()) in entry.headers["webhook-signature"].split(" ")


# Secrets


def test_customer_s_own_secret_signs(company: Company) -> None:
    """Another customer at the same address, and the same customer at another, go on with the default secret."""
    one, other = uuid4(), uuid4()
    add(company, one)
    company.receiver.know("/hook", OLD)
    told(company, one)
    company.run_pass()
    assert opens(last(company), OLD)
    assert not opens(last(company), SECRET)

    company.receiver.know("/hook", SECRET)
    told(company, other)
    told(company, one, "/elsewhere")
    company.run_pass()
    assert [opens(entry, SECRET) for entry in company.receiver.journal.entries] == [False, True, True]


def test_secret_that_is_made_is_a_good_one(company: Company) -> None:
    """It is told once, has 32 random bytes, and signs."""
    user_id = uuid4()
    report = service.add(company.world, user_id, f"{company.receiver.base_url}/hook", None)
    assert report.secret is not None
    assert len(report.secret) == len("whsec_") + 44
    company.receiver.know("/hook", report.secret)
    told(company, user_id)
    company.run_pass()
    assert opens(last(company), report.secret)
    assert report.secret not in f"{report} {report!r}"
    assert service.rotate(company.world, report.endpoint.id, None, None).secret != report.secret


def test_rotation_signs_with_both_until_the_old_one_expires(company: Company) -> None:
    """A receiver that knows the old secret or the new one is served; the older header is signed with the old one."""
    user_id = uuid4()
    endpoint_id = add(company, user_id)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=24))
    assert [one.expires_at is None for one in only(company).secrets] == [False, True]
    for after_s, knows in ((1.0, (OLD, NEW)), (DAY_S - 2, (OLD, NEW)), (2.0, (NEW,))):
        company.clock.advance(after_s)
        company.receiver.know("/hook", *knows)
        told(company, user_id)
        company.run_pass()
        entry = last(company)
        assert [opens(entry, secret) for secret in (OLD, NEW)] == [OLD in knows, True]
        assert len(entry.headers["webhook-signature"].split(" ")) == len(knows)
        company.receiver.know("/hook", knows[0])  # the oldest in force
        assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)
    legacy = [entry.headers["x-webhook-signature"] for entry in company.receiver.journal.entries]
    assert len(set(legacy)) == 3
    assert len(only(company).secrets) == 1


def test_oldest_secret_signs_the_older_header(company: Company) -> None:
    """A receiver of x-webhook-signature that has not changed its secret yet is understood until that expires."""
    user_id = uuid4()
    endpoint_id = add(company, user_id)
    company.clock.advance(1)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    with Receiver(secret=OLD) as strict:
        company.sql("update webhook_endpoints set url = %s", f"{strict.base_url}/hook")
        told(company, user_id, f"{strict.base_url}/hook")
        company.run_pass()
        (entry,) = strict.journal.entries
    assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)


def test_default_secret_may_go_on_for_a_while(company: Company) -> None:
    """A receiver that knew the default secret until now has time to change."""
    user_id = uuid4()
    url = f"{company.receiver.base_url}/hook"
    service.add(company.world, user_id, url, NEW, default_until=(SECRET, company.clock() + timedelta(hours=1)))
    for after_s, by_default in ((0.0, True), (3601.0, False)):
        company.clock.advance(after_s)
        company.receiver.know("/hook", SECRET if by_default else NEW)
        told(company, user_id)
        company.run_pass()
        assert [opens(last(company), secret) for secret in (SECRET, NEW)] == [by_default, True]


def test_secrets_at_once_are_few(company: Company) -> None:
    """Each is a signature more in the header: at most five; what expires makes room, and is forgotten."""
    endpoint_id = add(company, uuid4())
    for number in range(MAX_SECRETS - 1):
        company.clock.advance(1)
        service.rotate(company.world, endpoint_id, f"secret number {number}", company.clock() + timedelta(hours=1))
    with pytest.raises(UsageProblem, match="5 secrets in force"):
        service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    assert len(only(company).secrets) == MAX_SECRETS

    service.rotate(company.world, endpoint_id, NEW, None)

    assert [one.expires_at for one in only(company).secrets] == [None]
    assert company.sql("select count(*) as n from webhook_secrets")[0].n == 1


def test_second_rotation_does_not_prolong_the_first(company: Company) -> None:
    """A secret that expires in an hour still does when the next one gets a day."""
    endpoint_id = add(company, uuid4())
    company.clock.advance(1)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    ends = only(company).secrets[0].expires_at
    service.rotate(company.world, endpoint_id, None, company.clock() + timedelta(days=1))
    assert only(company).secrets[0].expires_at == ends


@pytest.mark.parametrize(
    ("secret", "words"),
    [("", "is empty"), ("   ", "is empty"), ("whsec_", "base64"), ("whsec_not base64!", "base64")],
)
def test_secret_that_signs_nothing_is_refused(company: Company, secret: str, words: str) -> None:
    """It is not quoted, and nothing is written."""
    with pytest.raises(UsageProblem, match=words) as caught:
        add(company, uuid4(), secret)
    assert not secret.strip() or secret.removeprefix("whsec_") == "" or secret not in str(caught.value)
    assert endpoints(company) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/x", "must begin with https://"),
        ("https://user:pw@hooks.example/", "user name or password"),
        ("https://10.0.0.1/", "not a public address"),
        ("https://hooks.example/" + "x" * 2048, "longer than 2048 characters"),
        ("https://hooks.example/" + "é" * 1020, "longer than 2048 bytes"),
    ],
)
def test_address_that_nothing_is_sent_to_is_refused(dsn: str, url: str, words: str) -> None:
    """By the rules of every delivery."""
    with at_work(dsn, allow_insecure=False) as company:
        with pytest.raises(UsageProblem, match=words):
            service.add(company.world, uuid4(), url, OLD)
        assert endpoints(company) == []


def test_second_secret_is_a_rotation(company: Company) -> None:
    """`add` replaces nothing, `rotate` begins nothing, and neither takes what is there already."""
    user_id = uuid4()
    endpoint_id = add(company, user_id)
    with pytest.raises(UsageProblem, match="rotate"):
        add(company, user_id, NEW)
    with pytest.raises(UsageProblem, match="has that secret already"):
        service.rotate(company.world, endpoint_id, OLD, None)
    company.sql("delete from webhook_secrets")
    with pytest.raises(UsageProblem, match="has no secret of its own"):
        service.rotate(company.world, endpoint_id, NEW, None)
    assert add(company, user_id, NEW) == endpoint_id


def test_no_dump_shows_a_secret(company: Company, tmp_path: Path) -> None:
    """Neither a dump nor a query nor a list has a secret, or anything that it could be tried out on without the key."""
    secrets = [OLD, NEW, "a plain secret of a customer", SECRET]
    endpoint_id = add(company, uuid4(), OLD)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    for path, secret in (("/plain", secrets[2]), ("/default", SECRET)):
        add(company, uuid4(), secret, path)
    dump = tmp_path / "dump.sql"
    dump.write_text(pg_dump(company.dsn))

    assert dump.read_text().count("sealed:gAAAA") == 4
    listed = str(endpoints(company))
    for secret in secrets:
        for form in (secret, secret.removeprefix("whsec_"), secret.encode().hex()):
            assert form not in dump.read_text(), secret
            assert form not in listed, secret
    fingerprints = [one.fingerprint for line in endpoints(company) for one in line.secrets]
    assert len(set(fingerprints)) == 4
    assert {len(one) for one in fingerprints} == {8}


def test_plain_secret_cannot_be_kept(company: Company) -> None:
    """The database takes none, whoever writes it."""
    add(company, uuid4())
    with pytest.raises(Exception, match="webhook_secrets_sealed_check"):
        company.sql("update webhook_secrets set sealed = %s", OLD)


def test_function_gives_a_row_for_each_secret_in_force(company: Company) -> None:
    """Sealed as they are kept, the oldest first; null where there is none (contract §1)."""
    one, other = uuid4(), uuid4()
    endpoint_id = add(company, one)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    mine, theirs = told(company, one), told(company, other)

    def given(batch_id: UUID) -> list[Any]:
        return company.sql("select url, secret from get_enterprise_webhook_for_batch(%s)", batch_id)

    url = f"{company.receiver.base_url}/hook"
    assert {row.url for row in given(mine)} == {url}
    assert [company.world.vault.open(row.secret) for row in given(mine)] == [OLD, NEW]
    assert [tuple(row) for row in given(theirs)] == [(url, None)]


@pytest.mark.parametrize("own_url", [True, False])
def test_function_that_knows_secrets_is_believed(company: Company, *, own_url: bool) -> None:
    """Where others wrote it, its secret signs as it stands, unless the endpoint has one here."""
    user_id = uuid4()
    company.sql(
        "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"  # noqa: S608 - our own secret
        " returns table (url text, secret text) language sql stable as $$"
        f" select {'b.webhook_url' if own_url else 'null'}, 'theirs' from batch_jobs as b where b.id = p_batch_id $$"
    )
    company.receiver.know("/hook", "theirs")
    told(company, user_id)
    company.run_pass()
    assert opens(last(company), "theirs")

    add(company, user_id)
    company.receiver.know("/hook", OLD)
    told(company, user_id)
    company.run_pass()
    assert [opens(last(company), secret) for secret in (OLD, "theirs")] == [True, False]


def test_secret_of_another_address_signs_nothing(company: Company) -> None:
    """An event goes to where it was written for: with that address's secret, though the batch names another today."""
    user_id = uuid4()
    add(company, user_id, NEW, "/new")
    company.receiver.script("/old", DOWN)
    company.limit(webhook_quick_retries=0)
    batch_id = told(company, user_id, "/old")
    company.run_pass()
    company.sql("update batch_jobs set webhook_url = %s where id = %s", f"{company.receiver.base_url}/new", batch_id)
    company.clock.advance(400)

    assert company.run_pass().webhook == WebhookReport(sent=1)

    assert (last(company).path, opens(last(company), SECRET)) == ("/old", True)


# Secrets that cannot be opened


def keyed(company: Company, *keys: str) -> None:
    """Give the company's worker other keys."""
    company.world = replace(company.world, vault=FernetVault(keys))


@pytest.mark.parametrize("keys", [(), (OTHER_KEY,)], ids=["no key", "wrong key"])
def test_event_waits_for_the_key(company: Company, keys: tuple[str, ...]) -> None:
    """Nothing else signs instead; the event is looked at again every five minutes, and goes out with the key."""
    user_id = uuid4()
    add(company, user_id)
    keyed(company, *keys)
    company.receiver.know("/hook", OLD)
    batch_id, other = told(company, user_id), told(company, uuid4(), "/default")

    assert company.run_pass().webhook == WebhookReport(sent=1, waiting_for_secret=1)
    row, batch = event(company, batch_id), company.batch(batch_id)
    assert (row.status, row.attempts, row.last_error) == ("pending", 0, "WEBHOOK_SECRET_UNREADABLE")
    assert (batch.webhook_status, batch.webhook_last_error) == ("pending", "WEBHOOK_SECRET_UNREADABLE")
    assert event(company, other).status == "sent"
    assert row.next_attempt_at - company.clock() == timedelta(minutes=5)
    (line,) = resend(company.world, [batch_id], lambda: False).deliveries
    assert (line.result, str(line.error).partition(":")[0]) == ("not tried", "WEBHOOK_SECRET_UNREADABLE")

    keyed(company, OTHER_KEY, KEY)
    company.clock.advance(301)
    assert company.run_pass().webhook == WebhookReport(sent=1)
    assert (opens(last(company), OLD), event(company, batch_id).last_error) == (True, None)


def test_one_secret_that_cannot_be_opened_is_enough(company: Company) -> None:
    """Signed by the others alone it might be refused by a receiver that knows only this one."""
    user_id = uuid4()
    endpoint_id = add(company, user_id)
    keyed(company, OTHER_KEY)
    service.rotate(company.world, endpoint_id, NEW, company.clock() + timedelta(hours=1))
    company.receiver.know("/hook", NEW)
    told(company, user_id)
    assert company.run_pass().webhook == WebhookReport(waiting_for_secret=1)

    company.clock.advance(3601)  # the old one expires
    assert company.run_pass().webhook == WebhookReport(sent=1)


@pytest.mark.parametrize("damaged", ["sealed:", "sealed:nonsense", "sealed:gAAAAA==", "sealed:\u00e9"])
def test_damaged_secret_is_one_that_cannot_be_opened(company: Company, damaged: str) -> None:
    """Whatever somebody has made of the text."""
    user_id = uuid4()
    add(company, user_id)
    company.sql("update webhook_secrets set sealed = %s", damaged)
    told(company, user_id)
    assert company.run_pass().webhook == WebhookReport(waiting_for_secret=1)


def test_event_is_given_up_with_the_window_of_retries(company: Company) -> None:
    """It waits no longer than one without any secret; then it has failed, and can be resent."""
    user_id = uuid4()
    add(company, user_id)
    keyed(company)
    batch_id = told(company, user_id)
    company.run_pass()
    company.clock.advance(26 * 3600)
    assert company.run_pass().webhook == WebhookReport(failed=1)
    assert (event(company, batch_id).status, event(company, batch_id).attempts) == ("failed", 0)

    keyed(company, KEY)
    company.receiver.know("/hook", OLD)
    (line,) = resend(company.world, [batch_id], lambda: False).deliveries
    assert line.result == "delivered"
    assert opens(last(company), OLD)


def test_without_a_key_nothing_is_kept(company: Company) -> None:
    """Who adds a secret is told how to make a key; an endpoint is not left behind."""
    keyed(company)
    with pytest.raises(ConfigProblem, match="`batchctl webhook endpoint key` makes one"):
        add(company, uuid4())
    assert endpoints(company) == []


def test_keys_can_be_changed(company: Company) -> None:
    """The new key in front, then all is sealed anew, then the old key can go; what cannot be opened is counted."""
    user_id = uuid4()
    add(company, user_id)
    add(company, uuid4(), NEW, "/new")
    keyed(company, OTHER_KEY, KEY)
    assert service.reseal(company.world).resealed == 2
    keyed(company, OTHER_KEY)
    company.receiver.know("/hook", OLD)
    told(company, user_id)
    assert company.run_pass().webhook == WebhookReport(sent=1)

    keyed(company, KEY)
    report = service.reseal(company.world)
    assert (report.resealed, report.unreadable) == (0, 2)


def test_resealing_goes_through_all(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each once."""
    monkeypatch.setattr(service, "RESEALED_AT_ONCE", 2)
    for number in range(5):
        add(company, uuid4(), path=f"/{number}")
    keyed(company, OTHER_KEY, KEY)
    assert service.reseal(company.world).resealed == 5


# Disabled endpoints


def disabled(company: Company, user_id: UUID) -> UUID:
    """Have a customer whose endpoint an operator disabled."""
    endpoint_id = add(company, user_id)
    company.receiver.know("/hook", OLD)
    service.disable(company.world, endpoint_id, reason="they asked for it", operator="me@here")
    return endpoint_id


def test_events_are_kept_while_their_endpoint_is_disabled(company: Company) -> None:
    """retrying, no next try, ENDPOINT_DISABLED (contract §5): new ones, and those that were being retried."""
    user_id = uuid4()
    company.limit(webhook_quick_retries=0)
    company.receiver.script("/hook", DOWN)
    before = told(company, user_id)
    company.run_pass()
    service.disable(company.world, only(company).id, reason="they asked for it", operator="me@here")
    new, others = told(company, user_id), told(company, uuid4())

    assert company.run_pass().webhook == WebhookReport(sent=1, set_aside=1)
    company.clock.advance(400)
    assert company.run_pass().webhook == WebhookReport(set_aside=1)

    for batch_id, attempts in ((before, 1), (new, 0)):
        row, batch = event(company, batch_id), company.batch(batch_id)
        assert (row.status, row.next_attempt_at, row.last_error) == ("retrying", None, "ENDPOINT_DISABLED")
        assert (batch.webhook_status, batch.webhook_last_error) == ("retrying", "ENDPOINT_DISABLED")
        assert row.attempts == batch.webhook_attempts == len(company.tries(batch_id)) == attempts
    assert event(company, others).status == "sent"
    assert only(company).waiting_count == 2
    company.clock.advance(30 * DAY_S)
    assert company.run_pass().is_idle


def test_enabled_endpoint_gets_what_was_kept(company: Company) -> None:
    """All of it, the oldest first, each event as it was written; later failures are retried as ever."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    batch_ids: list[UUID] = []
    for _ in range(4):
        batch_ids.append(told(company, user_id))
        company.run_pass()
        company.clock.advance(60)
    company.receiver.script("/hook", DOWN)
    company.limit(webhook_quick_retries=0)

    report = service.enable(company.world, endpoint_id)
    assert (report.changed, report.released, report.endpoint.waiting_count) == (True, 4, 0)
    assert company.batch(batch_ids[0]).webhook_last_error is None
    company.clock.advance(1)
    assert company.run_pass().webhook == WebhookReport(sent=3, retrying=1)
    assert {entry.webhook_id for entry in company.receiver.journal.entries} == {
        str(event(company, batch_id).id) for batch_id in batch_ids
    }
    company.clock.advance(400)
    assert company.run_pass().webhook == WebhookReport(sent=1)


def test_what_was_kept_is_spread(company: Company) -> None:
    """A receiver that has just come back gets so many events a second, the oldest ones first."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    batch_ids = [told(company, user_id) for _ in range(2 * RELEASED_PER_SECOND)]
    company.run_pass()
    batch_ids.append(told(company, user_id))
    company.run_pass()
    service.enable(company.world, endpoint_id)
    rows = company.sql("select next_attempt_at from webhook_deliveries order by created_at, id")
    due_s = [(row.next_attempt_at - company.clock()).total_seconds() for row in rows]
    assert due_s[0] == 0
    assert all(later - sooner == pytest.approx(1 / RELEASED_PER_SECOND) for sooner, later in pairwise(due_s))
    assert len(batch_ids) == len(due_s)
    company.clock.advance(3)
    assert company.run_pass().webhook == WebhookReport(sent=len(batch_ids))


def test_other_customer_s_events_stay_kept(company: Company) -> None:
    """What waits for one endpoint is not released with another, at the same address or of the same customer."""
    one, other = uuid4(), uuid4()
    endpoint_id = disabled(company, one)
    for user_id, path in ((other, "/hook"), (one, "/second")):
        service.disable(company.world, add(company, user_id, NEW, path), reason="x", operator="me@here")
    mine, *theirs = told(company, one), told(company, other), told(company, one, "/second")
    assert company.run_pass().webhook == WebhookReport(set_aside=3)

    assert service.enable(company.world, endpoint_id).released == 1

    assert event(company, mine).next_attempt_at == company.clock()
    assert [event(company, batch_id).next_attempt_at for batch_id in theirs] == [None, None]
    assert {line.waiting_count for line in endpoints(company, only_disabled=True)} == {1}


def test_resend_respects_a_disabled_endpoint(company: Company) -> None:
    """It says what to do, in a rehearsal too, and sends nothing; to another address it goes."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    batch_id = told(company, user_id)
    company.run_pass()

    def line() -> ResendLine:
        (found,) = resend(company.world, [batch_id], lambda: False).deliveries
        return found

    (rehearsed,) = rehearse(company.world, [batch_id]).deliveries
    assert (
        rehearsed.error
        == line().error
        == f"ENDPOINT_DISABLED: `batchctl webhook endpoint enable {endpoint_id}` sends it"
    )
    assert company.receiver.journal.entries == ()

    company.sql("update batch_jobs set webhook_url = %s", f"{company.receiver.base_url}/moved")
    assert (line().result, event(company, batch_id).status) == ("delivered", "sent")


def test_disabling_keeps_the_first_reason(company: Company) -> None:
    """Who disables again, or enables what is enabled, is told so, and nothing changes."""
    endpoint_id = disabled(company, uuid4())
    again = service.disable(company.world, endpoint_id, reason="another", operator="you@there")
    assert (again.changed, again.endpoint.disabled_reason, again.endpoint.disabled_by) == (
        *(False, "they asked for it", "me@here"),
    )
    assert service.enable(company.world, endpoint_id).changed
    assert not service.enable(company.world, endpoint_id).changed
    assert only(company).disabled_reason is None


# What receivers answer


def test_410_disables(company: Company) -> None:
    """The event has failed, the endpoint is disabled and says why; a row is made where there was none."""
    user_id = uuid4()
    company.receiver.script("/hook", GONE)
    batch_id = told(company, user_id)

    assert company.run_pass().webhook == WebhookReport(failed=1, endpoints_disabled=1)

    line = only(company)
    assert (line.user_id, line.receiver) == (user_id, company.receiver.base_url)
    assert (line.disabled_at, line.disabled_by) == (company.clock(), "batchctl")
    assert line.disabled_reason == "it answered 410: gone for good"
    assert (event(company, batch_id).status, event(company, batch_id).next_attempt_at) == ("failed", None)
    later, others = told(company, user_id), told(company, uuid4())
    assert company.run_pass().webhook == WebhookReport(sent=1, set_aside=1)
    assert (event(company, later).last_error, event(company, others).status) == ("ENDPOINT_DISABLED", "sent")


def test_410_to_a_resend_disables(company: Company) -> None:
    """Who asks by hand gets the same answer."""
    company.receiver.script("/hook", http_status(200), GONE)
    batch_id = told(company, uuid4())
    company.run_pass()
    resend(company.world, [batch_id], lambda: False)
    assert only(company).disabled_reason == "it answered 410: gone for good"
    assert event(company, batch_id).status == "sent"


def test_410_from_an_endpoint_that_has_a_row(company: Company) -> None:
    """An endpoint with a secret, and one that was failing, are disabled alike."""
    company.limit(webhook_quick_retries=0)
    users = [uuid4(), uuid4()]
    add(company, users[0], OLD, "/known")
    company.receiver.know("/known", OLD)
    company.receiver.script("/known", GONE)
    company.receiver.script("/failing", DOWN, GONE)
    told(company, users[0], "/known")
    told(company, users[1], "/failing")
    assert company.run_pass().webhook == WebhookReport(failed=1, retrying=1, endpoints_disabled=1)
    company.clock.advance(400)
    assert company.run_pass().webhook == WebhookReport(failed=1, endpoints_disabled=1)
    assert len(endpoints(company, only_disabled=True)) == 2


def fail_for_days(company: Company, user_id: UUID, days: int, *, path: str = "/hook") -> list[WebhookReport]:
    """Have an event a day that is given up in the pass that writes it, while another customer's is delivered."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
    reports: list[WebhookReport] = []
    for _ in range(days):
        told(company, user_id, path)
        told(company, uuid4(), "/well")
        reports.append(company.run_pass().webhook)
        company.clock.advance(DAY_S)
    return reports


def test_endpoint_that_fails_for_days_is_disabled(company: Company) -> None:
    """After five days in which no try succeeded, when an event is given up; the reason says since when."""
    company.receiver.script("/hook", then=DOWN)
    began = company.clock() + timedelta(milliseconds=1)

    reports = fail_for_days(company, uuid4(), 7)

    assert timedelta(days=5) == FAILING_TOO_LONG
    assert reports == [
        *[WebhookReport(sent=1, failed=1)] * 5,
        WebhookReport(sent=1, failed=1, endpoints_disabled=1),
        WebhookReport(sent=1, set_aside=1),
    ]
    line = only(company)
    assert line.disabled_reason == f"every try has failed since {began:%Y-%m-%d %H:%M} UTC"
    assert (line.disabled_by, line.failing_since) == ("batchctl", began)


def test_a_success_begins_anew(company: Company) -> None:
    """One event that is taken, and the five days count from the next failure."""
    user_id = uuid4()
    company.receiver.script("/hook", *[DOWN] * 4, http_status(204), then=DOWN)
    fail_for_days(company, user_id, 5)
    assert only(company).failing_since is None
    assert sum(report.endpoints_disabled for report in fail_for_days(company, user_id, 5)) == 0
    assert fail_for_days(company, user_id, 1)[0].endpoints_disabled == 1


def test_an_event_that_may_still_be_taken_disables_nothing(company: Company) -> None:
    """A receiver that was down for days, and has a hiccup long after, is not disabled for the hiccup."""
    user_id = uuid4()
    company.receiver.script("/hook", DOWN, DOWN)
    fail_for_days(company, user_id, 1)
    company.clock.advance(9 * DAY_S)
    company.limit(webhook_quick_retries=1)
    told(company, user_id)
    assert company.run_pass().webhook == WebhookReport(sent=1)
    assert (only(company).failing_since, only(company).disabled_at) == (None, None)


def test_enabling_gives_time_again(company: Company) -> None:
    """An endpoint that still fails is not disabled by the first event that is given up."""
    company.receiver.script("/hook", then=DOWN)
    user_id = uuid4()
    fail_for_days(company, user_id, 6)
    service.enable(company.world, only(company).id)
    assert sum(report.endpoints_disabled for report in fail_for_days(company, user_id, 5)) == 0
    assert fail_for_days(company, user_id, 1)[0].endpoints_disabled == 1


@pytest.mark.parametrize("others_answer", [False, True])
def test_outage_of_our_own_disables_nobody(company: Company, *, others_answer: bool) -> None:
    """Where nobody else answers it may be our network; as soon as somebody does, who is away is away."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
    user_id = uuid4()
    with Receiver(secret=SECRET) as away:
        url = f"{away.base_url}/hook"
    told(company, user_id, url)
    told(company, uuid4(), "/well")
    company.run_pass()
    company.clock.advance(6 * DAY_S)
    if others_answer:
        told(company, uuid4(), "/well")
        company.run_pass()
        company.clock.advance(DAY_S / 2)
    told(company, user_id, url)
    company.run_pass()
    assert (only(company).disabled_at is not None) == others_answer


@pytest.mark.parametrize("url", ["https://10.0.0.1/hook", "https://localhost/hook", "ftp://hooks.example/", "nonsense"])
def test_our_own_rules_are_no_failure_of_an_endpoint(dsn: str, url: str) -> None:
    """An address that we do not send to is no reason to note anything."""
    with at_work(dsn, allow_insecure=False) as company:
        company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
        told(company, uuid4(), url)
        company.run_pass()
        company.clock.advance(6 * DAY_S)
        told(company, uuid4(), url)
        company.run_pass()
        assert endpoints(company) == []


def test_address_that_is_too_long_for_a_row_fails_as_ever(company: Company) -> None:
    """Nothing is noted of it, and its event goes its way."""
    company.limit(webhook_quick_retries=0)
    path = "/" + "é" * 1024
    company.receiver.script(ANY_PATH, then=DOWN)
    url = f"{company.receiver.base_url}{path}"
    assert len(url) < 2048 < len(url.encode())
    told(company, uuid4(), url)
    assert company.run_pass().webhook.retrying == 1
    assert endpoints(company) == []


def rotated(world: World, endpoint_id: UUID) -> EndpointReport:
    """Rotate the secret of an endpoint."""
    return service.rotate(world, endpoint_id, NEW, None)


def shut(world: World, endpoint_id: UUID) -> EndpointReport:
    """Disable an endpoint."""
    return service.disable(world, endpoint_id, reason="x", operator="me")


@pytest.mark.parametrize("act", [rotated, shut, service.enable])
def test_endpoint_that_was_deleted_meanwhile(company: Company, act: Callable[[World, UUID], EndpointReport]) -> None:
    """Is said to be gone."""
    with pytest.raises(Problem, match="any more"):
        act(company.world, uuid4())


def test_endpoints_are_found_as_they_are_written(company: Company) -> None:
    """By the first digits of the id, or by customer and address."""
    user_id = uuid4()
    endpoint_id = add(company, user_id)
    url = f"{company.receiver.base_url}/hook"
    for written, address in ((str(endpoint_id), None), (str(endpoint_id)[:8], None), (str(user_id), url)):
        assert service.find(company.world, written, address) == endpoint_id
    for written, address, words in (
        ("ffff", None, "there is no endpoint ffff: `batchctl webhook endpoint list`"),
        ("x", None, "is no endpoint"),
        (str(uuid4()), url, "has no endpoint at that address"),
        (str(user_id), url + "\x00", "has no endpoint at that address"),
        (str(user_id), url + "\udc00", "has no endpoint at that address"),
        ("customer", url, "is no customer"),
    ):
        with pytest.raises(UsageProblem, match=words):
            service.find(company.world, written, address)


def test_list_narrows(company: Company) -> None:
    """By customer and by state; those that changed last first, and whether there are more."""
    one, other = uuid4(), uuid4()
    first = add(company, one, OLD, "/a")
    company.clock.advance(1)
    second = add(company, other, OLD, "/b")
    company.clock.advance(1)
    third = add(company, one, OLD, "/c")
    company.clock.advance(1)
    service.disable(company.world, first, reason="x", operator="me")

    def ids(**given: Any) -> list[UUID]:
        wanted: dict[str, Any] = {"user_id": None, "only_disabled": False, "limit": 10} | given
        return [line.id for line in service.list_some(company.world, **wanted).endpoints]

    assert ids() == [first, third, second]
    assert ids(user_id=one) == [first, third]
    assert ids(only_disabled=True) == [first]
    assert ids(limit=2) == [first, third]
    assert service.list_some(company.world, user_id=None, only_disabled=False, limit=2).more
