-- List tasks of a batch in the order of their places in it, all or those in one state; prompts are cut.
-- Locks: nothing.
-- Again: lists them again.
select
    t.id,
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
    t.video_url
from video_tasks as t
where t.batch_job_id = %(batch_id)s and (%(status)s::text is null or t.status = %(status)s)
order by t.batch_index, t.id
limit %(task_limit)s
