-- A task that ended has a whole verdict, an open one none.
-- Locks: nothing.
-- Again: says it again.
select
    'task' as kind,
    t.id::text as id,
    concat_ws(
        ', ',
        coalesce(t.status, 'no status'),
        case when t.completed_at is null then 'no end' else 'an end' end,
        case when t.video_url is null then 'no video' else 'a video' end,
        case when t.video_url is not null and t.video_url_seen_at is null then 'seen nobody knows when' end,
        coalesce(t.failure_type, 'no failure type'),
        case when t.error_message is null then 'no error' else 'an error' end
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
inner join video_tasks as t on b.id = t.batch_job_id
where
    not case t.status
        when 'succeeded'
            then
                t.video_url is not null and t.video_url_seen_at is not null and t.completed_at is not null
                and t.failure_type is null
        when 'failed'
            then
                coalesce(t.failure_type, '') in ('model_error', 'param_error', 'timeout', 'network', 'unknown')
                and t.error_message is not null and t.completed_at is not null and t.video_url is null
        else
            t.video_url is null and t.failure_type is null and t.completed_at is null and t.error_message is null
    end
    -- The original writes no completed_at, and may write a video's address early.
    and not (t.created_at < %(old_before)s and t.completed_at is null)
order by t.id
limit %(offender_limit)s
