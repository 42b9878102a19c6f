-- List what is on hold, batches and tasks of batches, with what is frozen for it, the one that is held for longest
-- first. What was last written to a row that no stage touches is its hold.
-- Locks: nothing.
-- Again: lists it again.
select
    h.kind,
    h.id,
    h.batch_id,
    h.batch_index,
    h.user_id,
    h.status,
    h.hold_reason,
    h.held_since,
    h.needs_decision,
    h.credits
from (
    select
        'batch' as kind,
        b.id,
        b.id as batch_id,
        null::int as batch_index,
        b.user_id,
        b.status,
        b.hold_reason,
        b.updated_at as held_since,
        false as needs_decision,
        case b.settlement_status when 'pending' then b.frozen_credits else 0 end as credits
    from batch_jobs as b
    where b.hold_reason is not null
    union all
    select
        'task',
        t.id,
        t.batch_job_id,
        t.batch_index,
        t.user_id,
        t.status,
        t.hold_reason,
        t.updated_at,
        t.status = 'processing' and t.grsai_task_id is null,
        case
            when o.frozen_credits > 0 and o.settlement_status = 'pending' then o.cost_per_video
            else 0
        end
    from video_tasks as t
    inner join batch_jobs as o on t.batch_job_id = o.id
    where t.hold_reason is not null
) as h
where
    (
        %(ids)s::uuid[] is null
        or h.id = any(%(ids)s::uuid[])
        or h.batch_id = any(%(ids)s::uuid[])
    )
    and (%(user_id)s::uuid is null or h.user_id = %(user_id)s)
    and (%(since)s::timestamptz is null or h.held_since >= %(since)s)
    and (%(until)s::timestamptz is null or h.held_since < %(until)s)
    and (%(reason)s::text is null or strpos(lower(h.hold_reason), lower(%(reason)s)) > 0)
order by h.held_since, h.kind, h.id
limit %(hold_limit)s
