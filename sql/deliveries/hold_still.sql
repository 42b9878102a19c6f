-- Hold batches, and with them their events, for a try that somebody asked for; what another transaction holds is left.
-- Locks: these batches and their deliveries, skipping locked ones: it waits for nobody.
-- Again: the same rows.
with held_batch as materialized (
    select id from batch_jobs
    where id = any(%(batch_ids)s::uuid[])
    for no key update skip locked
),

held_delivery as materialized (
    select id, batch_job_id from webhook_deliveries
    where batch_job_id = any(%(batch_ids)s::uuid[])
    for update skip locked
)

select b.id as batch_id, d.id as delivery_id
from held_batch as b
left join held_delivery as d on b.id = d.batch_job_id
