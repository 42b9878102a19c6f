-- List tasks, those of the newest batch first and in their order within it, of some batches or of all. The newest
-- batches of each state are found by index, and their tasks by theirs, until there are enough; where not every task of
-- a batch is wanted (batch_limit is null then) that may be many batches: --since bounds them.
-- Locks: nothing.
-- Again: lists them again.
select
    t.id,
    t.batch_job_id as batch_id,
    t.batch_index,
    case t.status when 'queued' then 'pending' else t.status end as status,
    t.model,
    left(t.prompt, 200) as prompt,
    t.grsai_task_id as provider_id,
    t.attempts,
    t.poll_count,
    t.failure_type,
    left(coalesce(t.error_message, t.last_error), 2000) as error,
    t.hold_reason,
    t.unknown_since,
    t.video_url,
    t.created_at,
    t.completed_at
from (
    select
        named.id,
        named.created_at
    from batch_jobs as named
    where named.id = any(%(batch_ids)s::uuid[])
    union all
    select
        newest.id,
        newest.created_at
    from
        unnest(array['queued', 'processing', 'completed', 'partial', 'failed']) as wanted (status)
    cross join
        lateral (
            select
                found.id,
                found.created_at
            from batch_jobs as found
            where
                %(batch_ids)s::uuid[] is null
                and found.status = wanted.status
                and (%(user_id)s::uuid is null or found.user_id = %(user_id)s)
                and (%(since)s::timestamptz is null or found.created_at >= %(since)s)
                and (%(until)s::timestamptz is null or found.created_at < %(until)s)
                and (
                    not %(only_held)s
                    or found.id = any(array(
                        select h.batch_job_id from video_tasks as h
                        where h.status in ('pending', 'queued', 'processing') and h.hold_reason is not null
                    ))
                )
            order by found.created_at desc, found.id desc
            limit %(batch_limit)s
        ) as newest
) as b
cross join
    lateral (
        select * from video_tasks as t
        where
            t.batch_job_id = b.id
            and (%(statuses)s::text[] is null or t.status = any(%(statuses)s::text[]))
            and (%(model)s::text is null or t.model = %(model)s)
            and (
                %(failure_type)s::text is null
                or (t.status = 'failed' and coalesce(t.failure_type, 'unknown') = %(failure_type)s)
            )
            and (not %(only_held)s or (t.hold_reason is not null and t.status in ('pending', 'queued', 'processing')))
        order by t.batch_index, t.id
        limit %(task_limit)s
    ) as t
order by b.created_at desc, b.id desc, t.batch_index, t.id
limit %(task_limit)s
