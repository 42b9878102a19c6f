-- Hold rows, whatever they are, so that searches pass over them for as long as this transaction lasts.
-- Locks: these rows, skipping locked ones.
-- Again: the same rows.
with held_batches as materialized (
    select id from batch_jobs
    where id = any(%(ids)s::uuid[])
    for no key update skip locked
),

held_tasks as materialized (
    select id from video_tasks
    where id = any(%(ids)s::uuid[])
    for no key update skip locked
),

held_deliveries as materialized (
    select id from webhook_deliveries
    where id = any(%(ids)s::uuid[])
    for no key update skip locked
)

select id from held_batches
union all
select id from held_tasks
union all
select id from held_deliveries
