-- Nothing was sent to the provider for a batch that is not paid for.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(
        'tasks were sent, ',
        b.frozen_credits,
        ' frozen, ',
        coalesce((b.total_count::numeric * b.cost_per_video)::text, 'nobody knows how much'),
        ' required'
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    b.frozen_credits is distinct from b.total_count::numeric * b.cost_per_video
    and exists (
        select from video_tasks as t
        where t.batch_job_id = b.id and (t.attempts > 0 or t.grsai_task_id is not null or t.video_url is not null)
    )
order by b.id
limit %(offender_limit)s
