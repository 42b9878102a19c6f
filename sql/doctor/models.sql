-- Say of each model how many polls its videos needed lately, and how many the limit of polls cut off.
-- Locks: nothing.
-- Again: says it again.
select
    coalesce(t.model, '') as model,
    count(*) filter (where t.status = 'succeeded') as succeeded_count,
    percentile_disc(0.95) within group (order by t.poll_count) filter (where t.status = 'succeeded') as polls_p95,
    count(*) filter (where t.error_message like 'MAX\_POLL\_COUNT\_REACHED%%') as cut_off_count,
    count(l.task_id) as late_count
from video_tasks as t
left join late_results as l on t.id = l.task_id
where t.completed_at >= %(since)s and t.batch_job_id is not null and t.poll_count > 0
group by t.model
order by count(*) desc
limit 20
