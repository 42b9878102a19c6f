"""The diagnosis finds what is wrong, says what to do, and changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from batchctl.domain.doctor import Diagnosis, Level
from batchctl.service import endpoint
from batchctl.service.claim import claim
from batchctl.service.doctor import diagnose
from batchctl.service.poll import poll
from batchctl.service.world import start_pass
from batchctl.simulator.faults import http_status
from batchctl.vault import FernetVault
from tests.scenario import Company

Scene = Callable[[Company], None]


def found(company: Company) -> list[Diagnosis]:
    """Return what is not in order."""
    lines = list(diagnose(company.world, company.clock))
    own_role = [line for line in lines if line.check == "rights" and line.level is Level.WARN]
    assert len(own_role) == 1  # tests connect as the owner of everything
    return [line for line in lines if line.level is not Level.OK and line not in own_role]


def test_all_is_well(company: Company) -> None:
    """A database at work, nothing late, has no line that is not in order."""
    company.enqueue(company.customer(permanent=100), 3)
    company.run_pass()

    assert found(company) == []
    company.run_until_quiet()
    assert found(company) == []


def started(company: Company, *directives: str) -> None:
    """Start tasks."""
    prompts = [f"{number} [sim: {directive}]" for number, directive in enumerate(directives)]
    company.enqueue(company.customer(permanent=10 * len(prompts)), prompts)
    company.run_pass()


def late_poll(company: Company) -> None:
    """Leave a poll undone for six minutes after it was due."""
    started(company, "never")
    company.clock.advance(5 + 360)


def late_settlement(company: Company) -> None:
    """Leave a finished batch unsettled for six minutes."""
    started(company, "polls=1")
    company.clock.advance(6)
    poll(company.world, start_pass(company.world, None))
    company.clock.advance(360)


def late_queue(company: Company) -> None:
    """Leave a batch queued for twenty minutes."""
    company.enqueue(company.customer(permanent=10), 1)
    company.clock.advance(1201)


def late_end(company: Company) -> None:
    """Leave a batch that misses tasks for 26 minutes: 16 after it was to be failed."""
    company.enqueue(company.customer(permanent=20), 1, total=2)
    company.clock.advance(600 + 1000)


def late_start(company: Company) -> None:
    """Leave tasks unsent for six minutes after their wait was over, with nothing in flight."""
    company.provider.status = http_status(503)
    company.enqueue(company.customer(permanent=20), 2)
    company.run_pass()
    company.clock.advance(18 + 360)


def never_started(company: Company) -> None:
    """Leave the tasks of a batch unsent that was claimed ten minutes ago, as one does that stops after the claim."""
    company.enqueue(company.customer(permanent=20), 2)
    claim(company.world)
    company.clock.advance(600)


def late_delivery(company: Company) -> None:
    """Leave a webhook retry undone for six minutes after it was due."""
    company.enqueue(company.customer(permanent=10), 1, webhook="/hook?sim=500&times=9")
    company.run_pass()
    company.clock.advance(6)
    company.run_pass()
    company.clock.advance(400 + 360)


def held(company: Company) -> None:
    """Put a task on hold."""
    started(company, "never")
    company.sql("update video_tasks set hold_reason = 'for a test'")


def overdue(company: Company) -> None:
    """Leave a task alone until long after its deadline, with its next poll not due."""
    started(company, "never")
    company.clock.advance(7200 + 700)
    company.sql("update video_tasks set next_poll_at = %s", company.clock.now + timedelta(hours=1))


def refused_account(company: Company) -> None:
    """Let the provider refuse the key."""
    company.provider.status = http_status(401)
    company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()


def cut_off(company: Company) -> None:
    """Let the limit of polls end a task whose video comes ten minutes later."""
    company.limit(max_poll_count=2)
    started(company, "polls=3")
    company.run_until_quiet()
    company.clock.advance(601)
    company.run_pass()


@pytest.mark.parametrize(
    ("scene", "check", "words"),
    [
        (late_poll, "polls", "a poll is due since 6 min"),
        (late_settlement, "settlements", "waits for its settlement since 6 min"),
        (late_queue, "queue", "to be ended, since 20 min"),
        (late_end, "queue", "to be ended, since 16 min"),
        (late_start, "starts", "nothing is in flight, and a task waits to be sent since 6 min"),
        (never_started, "starts", "a task waits to be sent since"),
        (late_delivery, "deliveries", "a webhook try is due since"),
        (held, "holds", "1 task is on hold"),
        (overdue, "progress", "1 tasks are past their deadline"),
        (refused_account, "account", "HTTP 401): 1 tasks wait"),
        (refused_account, "provider", "refuses the key"),
        (cut_off, "poll limit", "cut off by the limit: 1, of those came late: 1"),
    ],
)
def test_what_is_wrong_is_found(company: Company, scene: Scene, check: str, words: str) -> None:
    """Each trouble has its line, with what to do; a trouble that the next pass does not mend asks for an exit code."""
    scene(company)

    lines = [line for line in found(company) if line.check == check]

    assert len(lines) == 1
    assert words in lines[0].found
    assert lines[0].advice
    assert (lines[0].exit_code > 0) == (lines[0].level is Level.FAIL)
    company.provider.status = None
    company.sql("update video_tasks set hold_reason = null")


def test_tasks_may_wait_for_others(company: Company) -> None:
    """While a task is in flight those behind it may wait for its place: nothing is late."""
    company.limit(max_in_flight=1)
    company.enqueue(company.customer(permanent=20), ["a [sim: never]", "b"])
    company.run_pass()
    company.clock.advance(5)
    for _ in range(20):
        company.run_pass()
        company.clock.advance(30)

    assert [line.check for line in found(company) if line.check in {"starts", "queue"}] == []


def test_refused_account_says_why_nothing_is_sent(company: Company) -> None:
    """What waits because the provider refuses the account is told once, with that as the reason."""
    refused_account(company)
    company.enqueue(company.customer(permanent=10), 1)
    company.clock.advance(1500)

    assert [line.check for line in found(company)] == ["last pass", "account", "provider"]
    company.provider.status = None


def test_batch_may_miss_tasks_for_a_while(company: Company) -> None:
    """Until its time is over a batch that misses tasks is nobody's failure."""
    company.enqueue(company.customer(permanent=20), 1, total=2)
    company.clock.advance(599)

    assert found(company) == []


def test_provider_away_asks_for_69(company: Company) -> None:
    """A provider that cannot be reached is not our failure."""
    company.provider.stop()
    (line,) = found(company)
    assert (line.check, line.exit_code) == ("provider", 69)
    company.provider.start()


def test_key_that_is_taken_costs_nothing(company: Company) -> None:
    """The provider is asked for a task that it has not; nothing is submitted."""
    assert found(company) == []
    assert company.provider.journal.submissions == ()
    assert len(company.provider.journal.polls) == 1


def gone(company: Company) -> UUID:
    """Have an endpoint that is gone, for which an event waits."""
    user_id = uuid4()
    company.receiver.script("/gone", then=http_status(410))
    for _ in range(2):
        company.enqueue(user_id, 1, webhook="/gone")
        company.run_pass()
    (row,) = company.sql("select id from webhook_endpoints")
    assert isinstance(row.id, UUID)
    return row.id


def test_disabled_endpoint_is_named(company: Company) -> None:
    """With the reason, since when, how much waits; no failure of ours. An old one is no news, if nothing waits."""
    endpoint_id = gone(company)
    company.clock.advance(3 * 86_400)
    (line,) = found(company)
    host = company.receiver.base_url
    assert (line.check, line.level) == ("endpoints", Level.WARN)
    assert line.found == (
        f"1 disabled, 1 events wait for them: {str(endpoint_id)[:8]} {host} since 3 d (it answered 410: gone for good)"
    )
    assert "`batchctl webhook endpoint enable ENDPOINT`" in line.advice
    company.clock.advance(30 * 86_400)
    assert len(found(company)) == 1

    company.sql("update webhook_deliveries set status = 'failed' where last_error = 'ENDPOINT_DISABLED'")
    company.sql("update batch_jobs set webhook_status = 'failed' where webhook_last_error = 'ENDPOINT_DISABLED'")
    assert found(company) == []


def test_failing_endpoint_is_named_after_a_day(company: Company) -> None:
    """While it is still tried: its customer may not know yet. A few are named, all are counted."""
    for _ in range(4):
        company.enqueue(uuid4(), 1, webhook="/hook?sim=500")
    company.limit(webhook_quick_retries=0)

    def failing() -> list[Diagnosis]:
        return [line for line in found(company) if line.check == "endpoints"]

    company.run_pass()
    for _ in range(4):  # 22 hours
        company.clock.advance(20_000)
        company.run_pass()
    assert failing() == []
    company.clock.advance(20_000)
    (line,) = failing()
    assert (line.level, line.found.count(company.receiver.base_url)) == (Level.WARN, 3)
    assert line.found.startswith("4 take nothing: ")
    assert line.found.endswith(" since 27 h, …")
    assert "after 5 days it is disabled" in line.advice
    company.clock.advance(2 * 86_400)
    assert failing() == []
    company.run_pass()
    (line,) = failing()
    assert line.found.endswith(" since 3 d, …")


def test_secrets_that_cannot_be_opened_are_counted(company: Company) -> None:
    """Their deliveries wait: a failure of configuration. With the key all is well."""
    for number in range(2):
        endpoint.add(company.world, uuid4(), f"{company.receiver.base_url}/{number}", None)
    assert found(company) == []
    company.world = replace(company.world, vault=FernetVault([]))
    (line,) = found(company)
    assert (line.check, line.exit_code) == ("secrets", 78)
    assert line.found == "2 of 2 secrets of customers cannot be opened: ENTERPRISE_WEBHOOK_SECRETS_KEY is not set"


@contextmanager
def role(company: Company, *grants: str) -> Iterator[str]:
    """Make a role with rights; it is dropped at the end."""
    name = f"outsider_{uuid4().hex[:12]}"
    company.sql(f"create role {name}")
    for grant in grants:
        company.sql(f"grant {grant} to {name}")
    yield name
    company.sql(f"drop owned by {name}")
    company.sql(f"drop role {name}")


def test_role_that_may_write_states_is_named(company: Company) -> None:
    """A role that could fail its own tasks, and so be refunded, is named with what it may and how to take it back."""
    with role(company, "update (status, prompt) on video_tasks", "select on credit_wallet") as name:
        (line,) = found(company)

    assert line.level is Level.WARN
    assert line.found == f"role {name} may update video_tasks (status)"
    assert f'revoke update on video_tasks from "{name}"' in line.advice


@pytest.mark.parametrize("is_original", [True, False])
def test_function_open_to_everybody_is_named(company: Company, is_original: bool) -> None:  # noqa: FBT001 - a parameter
    """A function that moves money with its owner's rights is named: the original's as a failure, others as doubtful."""
    name = "finalize_batch_credits" if is_original else "give_me"
    pays = "returns void security definer language sql as 'update credit_wallet set permanent_credits = 99'"
    company.sql(f"create function {name}(p_user uuid) {pays}")
    company.sql("create function reads() returns bigint security definer language sql as $$select 1::bigint$$")

    (line,) = found(company)

    assert (line.check, line.level) == ("outsiders", Level.FAIL if is_original else Level.WARN)
    assert line.exit_code == (1 if is_original else 0)
    assert f"function {name}(uuid) writes states or money with its owner's rights, and everybody may" in line.found
    assert f"revoke execute on function {name}(uuid) from public" in line.advice
    assert ("unless it asks who calls" in line.advice) is not is_original
    company.sql(f"revoke execute on function {name}(uuid) from public")
    assert found(company) == []


def test_role_that_only_enqueues_is_not_named(company: Company) -> None:
    """An application that inserts batches and reads is as it should be."""
    grants = ("insert, select on batch_jobs", "insert, select on video_tasks", "update (prompt) on video_tasks")
    with role(company, *grants):
        assert found(company) == []


def test_everybody_who_may_write_money_is_a_failure(company: Company) -> None:
    """A right of PUBLIC is one of every customer's."""
    company.sql("grant update on credit_wallet to public")

    (line,) = found(company)

    assert (line.level, line.exit_code) == (Level.FAIL, 1)
    assert "bonus_credits, bonus_expires_at, permanent_credits" in line.found
    company.sql("revoke update on credit_wallet from public")
