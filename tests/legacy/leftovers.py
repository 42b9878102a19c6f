"""Every kind of row that the original worker may have left behind when its database is adopted."""

from dataclasses import dataclass
from uuid import UUID

from tests.legacy.original import Original

WALLET = 500
"""What the customer of all these batches bought, 50 of it bonus credits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """The batches by what is odd about them, and whose they are."""

    user_id: UUID
    queued: UUID
    """Never claimed."""
    never_started: UUID
    """Paid from both buckets; two tasks ended, ten were never started."""
    unsent: UUID
    """Its tasks were being sent and got no provider id."""
    without_tasks: UUID
    """Paid for; its tasks were never inserted."""
    paid_early: UUID
    """Paid for when it was enqueued, not yet claimed."""
    never_paid: UUID
    """Claimed, and not paid for before the worker died."""
    settled: UUID
    """Settled, and not ended before the worker died."""
    refused: UUID
    """Failed for want of credits; its tasks are pending."""
    failed_paid: UUID
    """Failed after it was paid for, before anything was sent."""
    failed_with_video: UUID
    """Failed after it was paid for, with one video made."""
    failed_empty: UUID
    """Failed when its tasks could not be inserted; not paid for."""
    finished: UUID
    """Finished long ago; nobody was told, and no time of its end was written."""
    without_status: UUID
    """Paid for; one task has no status."""
    at_provider: UUID
    """Paid for; its two tasks are at the provider, one has a video address already."""
    never_settled: UUID
    """Completed, with credits frozen, and never settled: nothing proves why."""


def leave_behind(old: Original, webhook: str, remote_ids: tuple[str, str] = ("r-10", "r-11")) -> Leftovers:
    """Make one of each, and single videos of every kind.

    `webhook` is where customers want to be told; `remote_ids` name two jobs of the provider that are under way.
    """
    user_id = old.user(permanent=WALLET - 50, bonus=50)
    poor_id = old.user(permanent=5)
    old.run("update credit_wallet set permanent_credits = 7 where user_id = %s", poor_id)
    queued = old.enqueue(user_id, 2, webhook=webhook)
    never_started = old.paid(user_id, 12, webhook=webhook)
    first, second = old.tasks(never_started)[:2]
    old.set_task(first, status="succeeded", grsai_task_id="r-1", video_url="https://v/1", progress=100)
    old.set_task(second, status="failed", grsai_task_id="r-2", error_message="moderation", failure_type="model_error")
    unsent = old.paid(user_id, 2, webhook=webhook)
    for task_id in old.tasks(unsent):
        old.set_task(task_id, status="processing", attempts=1)
    without_tasks = old.paid(user_id, 0, total=3, webhook=webhook)
    paid_early = old.enqueue(user_id, 1, webhook=webhook)
    old.freeze(paid_early)
    never_paid = old.enqueue(user_id, 1, webhook=webhook)
    old.claim(never_paid)
    settled = old.paid(user_id, 2, webhook=webhook)
    _end_tasks(old, settled, "succeeded", "failed")
    old.finalize(settled, 1)
    refused = old.enqueue(poor_id, 2, webhook=webhook)
    old.set_batch(refused, status="failed")
    failed_paid = old.paid(user_id, 2, webhook=webhook)
    old.set_batch(failed_paid, status="failed")
    failed_with_video = old.paid(user_id, 2, webhook=webhook)
    _end_tasks(old, failed_with_video, "succeeded")
    old.set_batch(failed_with_video, status="failed")
    failed_empty = old.enqueue(user_id, 0, total=4, webhook=webhook)
    old.set_batch(failed_empty, status="failed")
    finished = old.paid(user_id, 1, webhook=webhook)
    _end_tasks(old, finished, "succeeded")
    old.finalize(finished, 1)
    old.set_batch(finished, status="completed", success_count=1)
    without_status = old.paid(user_id, 1, webhook=webhook)
    old.set_task(old.tasks(without_status)[0], status=None)
    at_provider = old.paid(user_id, 2, webhook=webhook)
    for task_id, remote_id, video_url in zip(
        old.tasks(at_provider), remote_ids, (None, "https://v/early"), strict=True
    ):
        old.set_task(task_id, status="processing", grsai_task_id=remote_id, attempts=1, video_url=video_url)
    never_settled = old.paid(user_id, 1, webhook=webhook)
    _end_tasks(old, never_settled, "succeeded")
    old.set_batch(never_settled, status="completed")
    _single_videos(old, user_id)
    old.age()
    return Leftovers(
        user_id=user_id,
        queued=queued,
        never_started=never_started,
        unsent=unsent,
        without_tasks=without_tasks,
        paid_early=paid_early,
        never_paid=never_paid,
        settled=settled,
        refused=refused,
        failed_paid=failed_paid,
        failed_with_video=failed_with_video,
        failed_empty=failed_empty,
        finished=finished,
        without_status=without_status,
        at_provider=at_provider,
        never_settled=never_settled,
    )


def _end_tasks(old: Original, batch_id: UUID, *statuses: str) -> None:
    """End the first tasks of a batch, without the time of their end, which that worker never wrote."""
    for number, (task_id, status) in enumerate(zip(old.tasks(batch_id), statuses, strict=False)):
        remote_id = f"r-{batch_id}-{number}"
        if status == "succeeded":
            old.set_task(task_id, status=status, grsai_task_id=remote_id, video_url=f"https://v/{remote_id}")
        else:
            old.set_task(task_id, status=status, grsai_task_id=remote_id, error_message="moderation")


def _single_videos(old: Original, user_id: UUID) -> None:
    """Make videos outside any batch, in every state."""
    for status, remote_id in (
        ("pending", None),
        ("processing", None),
        ("processing", "r-single"),
        ("succeeded", "r-single"),
        ("failed", "r-single"),
        (None, None),
    ):
        old.run(
            "insert into video_tasks (user_id, prompt, status, grsai_task_id) values (%s, 'alone', %s, %s)",
            user_id,
            status,
            remote_id,
        )
