-- Show all that is known of a task of a batch, and which tasks repeat it.
-- Locks: nothing.
-- Again: shows it again.
select
    t.id,
    t.batch_job_id as batch_id,
    t.user_id,
    t.batch_index,
    case t.status when 'queued' then 'pending' else t.status end as status,
    b.status as batch_status,
    b.cancelled_at as batch_cancelled_at,
    t.hold_reason,
    t.model,
    left(t.prompt, 10000) as prompt,
    left(t.reference_url, 2000) as reference_url,
    t.aspect_ratio,
    t.duration,
    t.size,
    left(t.meta::text, 2000) as meta,
    t.created_at,
    t.attempts,
    t.submit_errors,
    t.submit_defers,
    t.resubmits,
    t.first_attempt_at,
    t.claimed_at,
    t.next_retry_at,
    t.blocked_by,
    t.unknown_since,
    t.grsai_task_id as provider_id,
    t.provider_host,
    t.progress,
    t.poll_count,
    t.poll_errors,
    t.last_poll_at,
    t.next_poll_at,
    t.completed_at,
    left(t.video_url, 2000) as video_url,
    t.video_url_seen_at,
    t.failure_type,
    left(t.failure_reason, 2000) as failure_reason,
    left(t.error_message, 2000) as error_message,
    left(t.last_error, 2000) as last_error,
    t.retry_of,
    (
        select n.id from batch_jobs as r
        inner join video_tasks as n on r.id = n.batch_job_id
        where r.retry_of = t.batch_job_id and n.retry_of = t.id
        order by n.created_at desc, n.id desc
        limit 1
    ) as retried_by,
    (select left(l.video_url, 2000) from late_results as l where l.task_id = t.id limit 1) as late_video_url,
    (select l.seen_at from late_results as l where l.task_id = t.id limit 1) as late_seen_at,
    (select l.next_look_at from late_looks as l where l.task_id = t.id) as next_look_at
from video_tasks as t
inner join batch_jobs as b on t.batch_job_id = b.id
where t.id = %(task_id)s
