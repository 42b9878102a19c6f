-- Give up deliveries that the database will not let through, each with what it said; their batches may be the reason.
-- Locks: these deliveries.
-- Again: changes nothing, for they are no longer open.
update webhook_deliveries as d
set status = 'failed', next_attempt_at = null, last_error = g.reason
from unnest(%(ids)s::uuid[], %(reasons)s::text[]) as g (id, reason)
where d.id = g.id and d.id = any(%(ids)s::uuid[]) and d.status in ('pending', 'retrying')
