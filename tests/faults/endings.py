"""How tasks end in trials: what each prompt is expected to come to, how a company is led there, and the judgement."""

from dataclasses import dataclass, field
from datetime import datetime

from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.store import due
from tests.faults.criterion import assert_whole
from tests.scenario import Company

MAX_PASSES = 60
ORPHAN_S = 301
"""Past BATCH_CLAIM_TIMEOUT_SECONDS."""
COST = 10
"""Of one task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a task ends."""

    status: str
    failure_type: str | None = None
    error: str | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        return " ".join(filter(None, (self.status, self.failure_type, self.error)))


OK = End(status="succeeded")
LATE = End(status="failed", failure_type="timeout", error="SUBMIT_OUTCOME_UNKNOWN")
LOST = End(status="failed", failure_type="network", error="SUBMIT_OUTCOME_UNKNOWN")


def failed(failure_type: str, error: str) -> End:
    """Return the end of a task that fails."""
    return End(status="failed", failure_type=failure_type, error=error)


@dataclass(slots=True)
class Expected:
    """What was enqueued in a trial, and how it must end."""

    ends: dict[str, End] = field(default_factory=dict[str, End])
    """By prompt."""

    def prompt(self, name: str, directive: str, end: End) -> str:
        """Make a prompt of its own and note its end; `refused` says that it fails by its own."""
        word = "refused " if end.status == "failed" and end not in {LATE, LOST} else ""
        prompt = f"{word}{len(self.ends)} {name} [sim: {directive}]"
        self.ends[prompt] = end
        return prompt


def heal(company: Company) -> None:
    """Have the provider answer as it should, but for what prompts ask for."""
    company.provider.stop()
    company.provider.status = company.provider.account = None
    company.provider.start()


def end_quietly(company: Company, *others: World, step_s: float = 1.0) -> None:
    """Run passes when something is due, at least `step_s` apart, by turns of several workers, until all has ended."""
    worlds = [company.world, *others]
    for number in range(MAX_PASSES):
        pass_of(company, worlds[number % len(worlds)])
        if not company.is_open():
            return
        due_at = _due_at(company)
        wait_s = ORPHAN_S if due_at is None else (due_at - company.clock.now).total_seconds()
        company.clock.advance(max(wait_s, step_s))
    raise AssertionError(f"still open after {MAX_PASSES} passes")


def _due_at(company: Company) -> datetime | None:
    now = company.clock.now
    return company.world.db.ask(lambda tx: due.find_next(tx, now=now))


def pass_of(company: Company, world: World) -> None:
    """Run a pass of a worker; a stage that breaks fails the trial."""
    company.clock.advance(0.001)

    def broken(error: Exception) -> None:
        raise error

    run_once(world, start_pass(world, None), broken)


def judge(company: Company, expected: Expected) -> None:
    """Assert that each task has its end, each customer paid for successes alone, and the common criterion."""
    rows = company.sql("select id, prompt, status, failure_type, error_message from video_tasks")
    found = {row.prompt: End(status=row.status, failure_type=row.failure_type, error=row.error_message) for row in rows}
    wrong = [
        f"{prompt[:99]}: {found[prompt]}, not {end}" for prompt, end in expected.ends.items() if found[prompt] != end
    ]
    assert wrong == [], wrong
    assert len(found) == len(expected.ends)
    assert_whole(company, {row.id for row in rows if expected.ends[row.prompt] in {LATE, LOST}})
    for customer in company.sql(_ACCOUNTS):
        assert customer.has == customer.had - COST * customer.successes, customer


_ACCOUNTS = """
select
    w.user_id,
    w.permanent_credits + w.bonus_credits as has,
    (
        select coalesce(sum(l.credits_delta), 0) from credit_ledger as l
        where l.user_id = w.user_id and l.type in ('purchase', 'bonus_grant')
    ) as had,
    (select count(*) from video_tasks as t where t.user_id = w.user_id and t.status = 'succeeded') as successes
from credit_wallet as w
"""
