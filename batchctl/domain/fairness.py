"""Who gets the free places: the customer with the fewest tasks in flight, then its batch with the fewest."""

from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from uuid import UUID

from batchctl.domain.batch import StartableBatch


def share_places(places: int, batches: Sequence[StartableBatch], start_cap: int) -> dict[UUID, int]:
    """Give `places` places one by one to batches, never more to one than its due tasks and its room under the cap.

    `batches` come oldest first, which decides between equals. So a batch of a thousand tasks, or a customer with a
    thousand batches, takes what others leave and no more.
    """
    customer_in_flight = {batch.user_id: batch.customer_in_flight for batch in batches}
    waiting: dict[UUID, list[tuple[int, int]]] = {}
    for age, batch in enumerate(batches):
        waiting.setdefault(batch.user_id, []).append((batch.tasks_in_flight, age))
    for queue in waiting.values():
        heapify(queue)
    customers = [(customer_in_flight[user_id], queue[0][1], user_id) for user_id, queue in waiting.items()]
    heapify(customers)
    given: Counter[UUID] = Counter()
    while customers and given.total() < places:
        in_flight, _, user_id = heappop(customers)
        queue = waiting[user_id]
        batch_in_flight, age = heappop(queue)
        batch = batches[age]
        given[batch.id] += 1
        if given[batch.id] < batch.due_count and batch_in_flight + 1 < start_cap:
            heappush(queue, (batch_in_flight + 1, age))
        if queue:
            heappush(customers, (in_flight + 1, queue[0][1], user_id))
    return dict(given)
