"""What must hold after every trial: the work is done, once, the books are right, and customers know.

Scenario.check asks the invariants and the journals; what stands here needs both sides at once.
"""

from collections.abc import Set as AbstractSet
from uuid import UUID

from tests.scenario import Company

UNKNOWN = "SUBMIT_OUTCOME_UNKNOWN"


def in_doubt(company: Company) -> set[UUID]:
    """Return the tasks that are claimed for sending and have no provider id."""
    rows = company.sql(
        "select id from video_tasks where status = 'processing' and grsai_task_id is null and batch_job_id is not null"
    )
    return {row.id for row in rows}


def forgive_tries(company: Company) -> None:
    """Let tries of webhooks that have no end now stay so: their workers died, or were cut off before they made them."""
    company.tries_cut_short = len(company.sql("select 1 from delivery_attempts where duration_ms is null"))


def assert_whole(
    company: Company, doubtful: AbstractSet[UUID] = frozenset(), *, bought_again: AbstractSet[UUID] = frozenset()
) -> None:
    """Assert that all has ended well, save that the tasks in `doubtful` may have failed because nobody knows.

    Those in `bought_again` may have been submitted once more instead (BATCH_ORPHAN_POLICY=resubmit). A task whose
    prompt holds neither `fail=` nor a word that says that it is refused or expires must have its video.
    """
    company.check()
    assert not company.is_open()
    _assert_bought_once(company, doubtful, bought_again)
    _assert_delivered_what_was_made(company)
    failed = company.sql("select id, prompt, error_message from video_tasks where status = 'failed'")
    unknown = {task.id for task in failed if task.error_message == UNKNOWN}
    assert unknown <= doubtful, "refunded, though it was never claimed for sending"
    others = [task for task in failed if task.id not in unknown and not _fails_by_itself(task.prompt)]
    assert others == [], "failed without a reason"
    _assert_everybody_is_told(company)


def _fails_by_itself(prompt: str) -> bool:
    return "fail=" in prompt or prompt.startswith(("refused ", "expires "))


def _assert_bought_once(company: Company, doubtful: AbstractSet[UUID], bought_again: AbstractSet[UUID]) -> None:
    """P1 and P2: each task is accepted at most once, and each acceptance is known or its task is in doubt."""
    accepted = company.provider.journal.accepted
    tasks = company.sql("select id, prompt, grsai_task_id from video_tasks")
    twice = {task.prompt for task in tasks if task.id in bought_again}
    bought = company.provider.journal.accepted_per_prompt()
    assert {prompt: n for prompt, n in bought.items() if n > 1 + (prompt in twice)} == {}, "bought too often"
    known = {task.grsai_task_id for task in tasks if task.grsai_task_id is not None}
    unsure = {task.prompt for task in tasks if task.id in doubtful | bought_again}
    lost = [one.prompt for one in accepted if one.remote_id not in known and one.prompt not in unsure]
    assert lost == [], "bought, and forgotten"


def _assert_delivered_what_was_made(company: Company) -> None:
    """P3: what counts as succeeded is what the provider answered as such."""
    made = company.provider.journal.delivered()
    kept = company.sql("select grsai_task_id, video_url from video_tasks where status = 'succeeded'")
    assert [task for task in kept if made.get(task.grsai_task_id) != task.video_url] == []


def _assert_everybody_is_told(company: Company) -> None:
    """H1: each event was acknowledged."""
    events = company.sql("select id::text as id, status from webhook_deliveries")
    assert {event.status for event in events} <= {"sent"}
    assert {event.id for event in events} <= company.receiver.journal.delivered()
