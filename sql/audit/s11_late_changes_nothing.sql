-- What came late belongs to a task that failed and stays so.
-- Locks: nothing.
-- Again: says it again.
select
    'task' as kind,
    t.id::text as id,
    concat(t.status, ', with a late result of ', r.seen_at) as detail,
    count(*) over () as found
from late_results as r
inner join video_tasks as t on r.task_id = t.id
where t.status is distinct from 'failed' and (%(since)s::timestamptz is null or r.seen_at >= %(since)s)
order by t.id
limit %(offender_limit)s
