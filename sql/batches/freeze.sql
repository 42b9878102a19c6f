-- Claim batches whose credits were taken: queued becomes processing.
-- Locks: these batches (the caller holds them).
-- Again: changes nothing, for they are no longer queued.
update batch_jobs as b
set status = 'processing', frozen_credits = f.frozen_credits, updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(frozen_credits)s::bigint[]) as f (id, frozen_credits)
where b.id = f.id and b.id = any(%(ids)s::uuid[]) and b.status = 'queued'
