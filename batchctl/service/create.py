"""Enqueueing a batch and its tasks, in one transaction, as an application would."""

from collections.abc import Sequence
from uuid import UUID

from batchctl.domain.batch_file import NewTask
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, tasks


def create(
    world: World, new: Sequence[NewTask], *, user_id: UUID, cost_per_video: int, webhook_url: str | None
) -> UUID:
    """Enqueue a batch for a customer at so many credits a task; return its id."""
    now = world.clock()

    def write(tx: Conn) -> UUID:
        batch_id = batches.insert(
            tx,
            user_id=user_id,
            total_count=len(new),
            cost_per_video=cost_per_video,
            webhook_url=webhook_url,
            now=now,
        )
        tasks.insert(tx, new, user_id=user_id, batch_id=batch_id)
        return batch_id

    return world.db.transact(write)
