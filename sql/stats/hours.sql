-- Count the tasks that ended in each hour since an instant, which need not be a full one; hours without any are left
-- out. Tasks that were never sent count as in count_finished: not at all.
-- Locks: nothing.
-- Again: counts them again.
select
    date_bin(interval '1 hour', t.completed_at, %(since)s) as start,
    count(*) filter (where t.status = 'succeeded') as succeeded,
    count(*) filter (where t.status = 'failed') as failed
from video_tasks as t
where
    t.status in ('succeeded', 'failed') and t.batch_job_id is not null
    and t.completed_at >= %(since)s and t.completed_at < %(until)s
    and case
        when t.status = 'failed' and t.grsai_task_id is null
            then
                t.attempts > 0 and (
                    select
                        (b.status <> 'failed' or b.settlement_status <> 'pending' or b.frozen_credits <> 0)
                        and (b.cancelled_at is null or coalesce(t.error_message <> 'CANCELLED', true))
                    from batch_jobs as b
                    where b.id = t.batch_job_id
                )
        else true
    end
group by 1
order by 1
