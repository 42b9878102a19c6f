-- Have batches say how their deliveries stand; one that another transaction holds is left as it is.
-- Locks: these batches, skipping locked ones: it waits for nobody.
-- Again: says the same, or what has become of it.
with told as materialized (
    select b.id, d.status, d.attempts, d.last_error
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where d.id = any(%(ids)s::uuid[])
    for no key update of b skip locked
)

update batch_jobs as b
set
    webhook_status = t.status,
    webhook_attempts = t.attempts,
    webhook_last_error = t.last_error,
    updated_at = %(now)s
from told as t
where b.id = t.id and b.id = any(array(select id from told))
