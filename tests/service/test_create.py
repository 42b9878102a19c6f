"""Enqueueing a batch: whole or not at all, once for each request id, and as an application would have written it."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.db import Database
from batchctl.domain.batch_page import CreateReport
from batchctl.domain.new_task import NewTask
from batchctl.domain.problem import Problem, UnreachableProblem, UsageProblem
from batchctl.gateways.courier import Courier
from batchctl.service import create as service
from batchctl.service.create import create
from tests.scenario import Company

TASKS = (
    NewTask(prompt="a paper boat"),
    NewTask(
        prompt='tab\there, "quotes", back\\slash,\nline end, \\N and \\.',
        model="veo-flash",
        reference_url="https://cdn.example/a.png",
        aspect_ratio="16:9",
        duration=15,
        size="large",
        meta={"urls": ["https://a.example/\u2028"], "n": [1.5, None, True], "ü": "\\"},
    ),
    NewTask(prompt="veo", model="veo-pro"),
)

HOOK = "https://customer.example/hook"


def enqueue(
    company: Company,
    user_id: UUID,
    *,
    new: Iterable[NewTask] = TASKS,
    cost: int = 10,
    url: str | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
    watch: Callable[[Iterable[NewTask]], Iterable[NewTask]] = iter,
) -> CreateReport:
    """Enqueue a batch at this scenario's company."""
    return create(
        company.world,
        list(new),
        user_id=user_id,
        cost_per_video=cost,
        webhook_url=url,
        request_id=request_id,
        dry_run=dry_run,
        watch=watch,
    )


def counts(company: Company) -> tuple[int, int, int]:
    """Count batches, tasks and request ids."""
    (row,) = company.sql(
        "select (select count(*) from batch_jobs) as a, (select count(*) from video_tasks) as b,"
        " (select count(*) from batch_requests) as c"
    )
    return row.a, row.b, row.c


def test_batch_is_what_an_application_would_have_written(company: Company) -> None:
    """Every field arrives as it is, what is absent stays null, and the next pass claims the batch."""
    user = company.customer(permanent=100)
    report = enqueue(company, user, url=f"{company.receiver.base_url}/hook")
    assert report.batch_id is not None

    batch = company.batch(report.batch_id)
    assert (batch.status, batch.total_count, batch.cost_per_video, batch.next_step) == ("queued", 3, 10, "claim")
    assert (batch.created_at, batch.enqueued_at) == (company.clock.now, company.clock.now)
    for index, (task, row) in enumerate(zip(TASKS, company.tasks(report.batch_id), strict=True)):
        assert (
            NewTask(
                prompt=row.prompt,
                model=None if index == 0 else row.model,
                reference_url=row.reference_url,
                aspect_ratio=row.aspect_ratio,
                duration=row.duration,
                size=row.size,
                meta=row.meta,
            )
            == task
        )
        assert (row.batch_index, row.user_id, row.status, row.created_at) == (index, user, "pending", company.clock.now)
    assert company.tasks(report.batch_id)[0].model == "sora-2"
    company.run_until_quiet()
    assert company.batch(report.batch_id).status == "completed"


def test_report_says_what_the_wallet_has(company: Company) -> None:
    """The batch is enqueued whatever the wallet holds; what it lacks now is said."""
    rich, poor, stranger = company.customer(permanent=100), company.customer(permanent=5, bonus=30), uuid4()

    reports = [enqueue(company, user) for user in (rich, poor, stranger)]

    assert [(one.required_credits, one.available_credits, one.missing_credits) for one in reports] == [
        (30, 100, 0),
        (30, 25, 5),  # bonus credits pay for two of the three tasks
        (30, None, 30),
    ]
    assert counts(company) == (3, 9, 0)
    assert company.run_pass().dispatch.freeze_failed == 2
    company.run_until_quiet()


def test_rehearsal_writes_nothing(company: Company) -> None:
    """A rehearsal checks the order and says what it would cost."""
    user = company.customer(permanent=25)

    report = enqueue(company, user, request_id="r-1", dry_run=True)

    assert (report.batch_id, report.already_enqueued, report.missing_credits) == (None, False, 5)
    assert counts(company) == (0, 0, 0)
    with pytest.raises(UsageProblem):
        enqueue(company, user, url="ftp://x", dry_run=True)


def test_request_id_enqueues_once(company: Company) -> None:
    """A repeated request id gives the same batch, also after that has ended; another customer's is another one."""
    user, other = company.customer(permanent=100), company.customer(permanent=100)
    first = enqueue(company, user, request_id="order 17 ü")
    again = enqueue(company, user, request_id="order 17 ü")
    company.run_until_quiet()
    later = enqueue(company, user, request_id="order 17 ü", dry_run=True)
    others = enqueue(company, other, request_id="order 17 ü")

    assert first.batch_id == again.batch_id == later.batch_id != others.batch_id
    assert [one.already_enqueued for one in (first, again, later, others)] == [False, True, True, False]
    assert counts(company) == (2, 6, 2)
    company.run_until_quiet()


def test_request_id_of_another_batch_is_refused(company: Company) -> None:
    """A request id that comes with another order is a mistake, which is named and writes nothing."""
    user = company.customer(permanent=100)
    first = enqueue(company, user, request_id="r-1")
    stands = f"the request id stands for batch {first.batch_id}, and that one has "

    with pytest.raises(Problem, match=f"{stands}the number of tasks 3, not 2: nothing was written") as caught:
        enqueue(company, user, request_id="r-1", new=TASKS[:2])
    with pytest.raises(Problem, match=f"{stands}the cost per video 10, not 11: nothing was written"):
        enqueue(company, user, request_id="r-1", cost=11)
    with pytest.raises(Problem, match=f"{stands}another webhook address: nothing was written"):
        enqueue(company, user, request_id="r-1", url=HOOK)
    differences: list[tuple[dict[str, Any], str]] = [
        ({"prompt": "a dog"}, "prompt"),
        ({"model": None, "duration": 10}, "model and duration"),
        ({"meta": {"urls": []}}, "meta"),
        ({"size": None, "reference_url": None, "aspect_ratio": None}, "reference_url and aspect_ratio and size"),
    ]
    for changed, said in differences:
        tasks = [TASKS[0], replace(TASKS[1], **changed), TASKS[2]]
        with pytest.raises(Problem, match=f"{stands}another {said} in task 2: nothing was written"):
            enqueue(company, user, request_id="r-1", new=tasks)

    assert caught.value.exit_code == 1
    assert counts(company) == (1, 3, 1)
    company.run_until_quiet()


def test_request_id_is_storable_text(company: Company) -> None:
    """A request id that cannot be kept, or says nothing, is refused."""
    for request_id in ("", " ", "x" * 201, "a\ud800"):
        with pytest.raises(UsageProblem, match="--request-id must be text of 1 to 200 characters"):
            enqueue(company, uuid4(), request_id=request_id)


def test_address_that_can_never_be_told_is_refused(company: Company) -> None:
    """What the courier would refuse on each try is refused before the batch is enqueued, and not repeated."""
    courier = Courier(timeout_ms=1, allow_insecure=False, allow_unsigned=False, default_secret="s", clock=company.clock)
    company.world = replace(company.world, courier=courier)
    refused = {
        "http://customer.example/hook": "must begin with https://",
        "https://127.0.0.1/hook": "not a public address",
        "https://user:secret@customer.example/": "must not contain a user name or password",
        "https://customer.example/\ud800": "control characters",
        "hook": "must begin with https://",
    }
    for url, said in refused.items():
        with pytest.raises(UsageProblem, match=f"--webhook-url: .*{said}") as caught:
            enqueue(company, uuid4(), url=url)
        assert "secret" not in str(caught.value)

    assert counts(company) == (0, 0, 0)


def test_price_that_no_batch_can_hold_is_refused(company: Company) -> None:
    """The required credits must fit into a column of credits."""
    with pytest.raises(UsageProblem, match="3 tasks at 3074457345618258603 credits are more than a batch can hold"):
        enqueue(company, uuid4(), cost=2**63 // 3 + 1)

    assert enqueue(company, uuid4(), cost=2**63 // 3, dry_run=True).required_credits < 2**63


def test_adopted_columns_hold_less(company: Company) -> None:
    """Where the columns are the original worker's, what they cannot hold is refused, by a rehearsal too."""
    (guard,) = company.sql(
        "select pg_get_triggerdef(oid) as d from pg_trigger where tgname = 'batchctl_keep_settlement'"
    )
    company.sql("drop trigger batchctl_keep_settlement on batch_jobs")
    company.sql("alter table batch_jobs alter column credits_spent type int")
    company.sql(guard.d)
    for dry_run in (True, False):
        with pytest.raises(UsageProblem, match="3 tasks at 715827883 credits are more than a batch can hold"):
            enqueue(company, uuid4(), cost=715_827_883, dry_run=dry_run)
        assert enqueue(company, uuid4(), cost=715_827_882, dry_run=dry_run).required_credits < 2**31
    company.run_pass()


def test_free_batch_is_enqueued(company: Company) -> None:
    """A price of 0 is valid."""
    report = enqueue(company, company.customer(permanent=0), cost=0)

    assert (report.required_credits, report.missing_credits) == (0, 0)
    company.run_until_quiet()


def test_many_tasks_are_written_in_portions(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large a batch is, no statement grows with it; all portions are one batch, in order, or nothing."""
    monkeypatch.setattr(service, "TASKS_AT_ONCE", 2)
    seen: list[NewTask] = []

    def watch(new: Iterable[NewTask]) -> Iterable[NewTask]:
        for task in new:
            seen.append(task)
            yield task

    new = [NewTask(prompt=f"clip {number}") for number in range(5)]
    report = enqueue(company, company.customer(permanent=100), new=new, watch=watch)
    assert report.batch_id is not None

    assert [(row.batch_index, row.prompt) for row in company.tasks(report.batch_id)] == [
        (number, f"clip {number}") for number in range(5)
    ]
    assert seen == new
    company.run_until_quiet()


def test_stream_that_breaks_leaves_nothing(company: Company) -> None:
    """A batch whose tasks could not all be written is not there at all."""

    def break_off(new: Iterable[NewTask]) -> Iterable[NewTask]:
        for number, task in enumerate(new):
            if number == 2:
                raise KeyboardInterrupt
            yield task

    with pytest.raises(KeyboardInterrupt):
        enqueue(company, company.customer(permanent=100), request_id="r-1", watch=break_off)

    assert counts(company) == (0, 0, 0)


def test_refusal_by_the_database_is_told(company: Company) -> None:
    """A rule of this database that the file breaks is a sentence, and nothing is written."""
    company.sql("alter table batch_jobs add constraint only_cheap check (cost_per_video < 5)")

    with pytest.raises(Problem, match=r'database refused the batch, and nothing was written: .*"only_cheap"'):
        enqueue(company, company.customer(permanent=100))

    assert counts(company) == (0, 0, 0)
    assert enqueue(company, company.customer(permanent=100), cost=4).batch_id is not None
    company.run_until_quiet()


def test_lock_that_does_not_come_is_told(company: Company) -> None:
    """What others hold too long is a sentence, and nothing is written."""
    session = {"lock_timeout": "20ms"}
    with closing(Database(company.dsn, company.clock.sleep, session=session)) as db, company.conn.transaction():
        company.world = replace(company.world, db=db)
        company.conn.execute("lock table video_tasks")
        with pytest.raises(Problem, match=r"nothing was written \(.*lock timeout\): try again"):
            enqueue(company, uuid4())

    assert counts(company) == (0, 0, 0)


def test_lost_connection_says_where_to_look(company: Company) -> None:
    """When nobody knows whether the batch was written, the operator is told where it would be seen."""
    user = company.customer(permanent=100)

    def cut(new: Iterable[NewTask]) -> Iterable[NewTask]:
        company.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'batchctl'"
        )
        return new

    with pytest.raises(
        UnreachableProblem, match=f"batch was written is not known: `batchctl batch list --user {user}`"
    ):
        enqueue(company, user, watch=cut)

    assert counts(company) == (0, 0, 0)
