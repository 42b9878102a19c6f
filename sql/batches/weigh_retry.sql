-- Say what of some batches' failed tasks, all or chosen ones, can be tried again, and which batch tries them already.
-- Locks: nothing (whoever is about to write holds the batches).
-- Again: says it again.
with retried as materialized (
    select
        n.retry_of as task_id,
        max(n.batch_job_id::text)::uuid as batch_id
    from batch_jobs as r
    inner join video_tasks as n on r.id = n.batch_job_id
    where r.retry_of = any(%(ids)s::uuid[]) and n.retry_of is not null
    group by n.retry_of
)

select
    b.id,
    b.user_id,
    b.status,
    b.status in ('queued', 'processing') or b.tasks_pending > 0 or b.tasks_in_flight > 0 as is_open,
    b.cost_per_video,
    b.webhook_url,
    f.task_count,
    f.bonus_eligible_count,
    f.retried_count,
    f.retried_by
from batch_jobs as b
cross join
    lateral (
        select
            count(*) as task_count,
            count(*) filter (where coalesce(t.model, '') !~* '^\s*veo-pro\s*$') as bonus_eligible_count,
            count(r.task_id) as retried_count,
            max(r.batch_id::text)::uuid as retried_by
        from video_tasks as t
        left join retried as r on t.id = r.task_id
        where
            t.batch_job_id = b.id and t.status = 'failed'
            and (%(failure_type)s::text is null or coalesce(t.failure_type, 'unknown') = %(failure_type)s)
            and (%(task_ids)s::uuid[] is null or t.id = any(%(task_ids)s::uuid[]))
    ) as f
where b.id = any(%(ids)s::uuid[])
order by b.created_at desc, b.id desc
