-- Write events into the outbox, in the transaction that makes them true; they are due at once.
-- Locks: nothing that exists; a second event of the same kind for a batch is refused by a unique key.
-- Again: fails, and with it the transaction that would have made it true again.
insert into webhook_deliveries (id, batch_job_id, event_type, url, body, created_at, status, next_attempt_at)
select e.id, e.batch_id, e.event_type, e.url, e.body, %(now)s, 'pending', %(now)s
from
    unnest(%(ids)s::uuid[], %(batch_ids)s::uuid[], %(event_types)s::text[], %(urls)s::text[], %(bodies)s::text[])
        as e (id, batch_id, event_type, url, body)
