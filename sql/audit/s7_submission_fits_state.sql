-- What a task says of its submission fits its state, so that its next step can be found.
-- Locks: nothing.
-- Again: says it again.
select
    'task' as kind,
    t.id::text as id,
    concat_ws(
        ', ',
        t.status,
        concat('attempts ', t.attempts, ', resubmits ', t.resubmits),
        case when t.claimed_at is null then 'never claimed' else 'claimed' end,
        case when t.grsai_task_id is null then 'no provider id' else 'a provider id' end,
        case when t.unknown_since is not null then 'in doubt' end,
        case when t.next_retry_at is not null then 'to be sent later' end
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
inner join video_tasks as t on b.id = t.batch_job_id
where
    not (
        t.resubmits <= 1
        and case
            when t.status in ('pending', 'queued') then t.grsai_task_id is null and t.unknown_since is null
            when t.status = 'processing'
                then
                    t.claimed_at is not null and t.attempts > 0 and t.next_retry_at is null
                    and (t.grsai_task_id is null or t.unknown_since is null)
            when t.status = 'succeeded' then t.grsai_task_id is not null and t.attempts > 0
            else true
        end
    )
    -- Tasks that the original sent do not say when.
    and not (t.created_at < %(old_before)s and t.claimed_at is null)
order by t.id
limit %(offender_limit)s
