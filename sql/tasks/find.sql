-- List tasks that are named, by their own ids or by the provider's.
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
from video_tasks as t
where t.batch_job_id is not null and (t.id = any(%(ids)s::uuid[]) or t.grsai_task_id = %(provider_id)s)
order by t.created_at desc, t.batch_job_id, t.batch_index, t.id
limit %(task_limit)s
