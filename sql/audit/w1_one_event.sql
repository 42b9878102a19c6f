-- A batch that ended and asked for it has one event, and no other batch has any.
-- Locks: nothing.
-- Again: says it again.
with batch as (
    select b.id, b.created_at, b.completed_at, b.status, b.webhook_url, b.webhook_status, count(d.id) as events
    from batchctl_audited(%(since)s) as b
    left join webhook_deliveries as d on b.id = d.batch_job_id
    group by b.id, b.created_at, b.completed_at, b.status, b.webhook_url, b.webhook_status
)

select
    'batch' as kind,
    b.id::text as id,
    concat_ws(
        ', ',
        b.status,
        case when coalesce(b.webhook_url, '') = '' then 'nobody asked' end,
        concat('events ', b.events),
        coalesce('said to be ' || b.webhook_status, 'said to be none')
    ) as detail,
    count(*) over () as found
from batch as b
where
    (
        b.events <> case when b.webhook_url <> '' and b.status in ('completed', 'partial', 'failed') then 1 else 0 end
        or (b.webhook_status is null) <> (b.events = 0)
    )
    -- What the original told, or never told, has no event here.
    and not (b.created_at < %(old_before)s and b.events = 0)
    -- What was told or given up long ago may be pruned.
    and not (
        b.events = 0 and b.webhook_status in ('sent', 'failed')
        and b.completed_at < coalesce((select p.ended_before from pruned_history as p), '-infinity')
    )
order by b.id
limit %(offender_limit)s
