-- Find tasks at the provider that have used up their polls or passed their deadline. One that a pause kept from being
-- asked for is asked for once before its deadline counts, or has the whole time anew; one that a pause kept from being
-- sent has the whole time anew.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are failed.
select id
from video_tasks
where
    status = 'processing'
    and grsai_task_id is not null
    and hold_reason is null
    and batch_job_id is not null
    and (
        poll_count >= %(max_poll_count)s
        or (
            first_attempt_at <= %(first_attempt_before)s
            and not exists (
                select from pauses as p
                where
                    p.resumed_at > %(first_attempt_before)s
                    and case p.stage
                        when 'poll' then coalesce(last_poll_at < p.resumed_at, true)
                        when 'dispatch' then claimed_at >= p.resumed_at
                    end
            )
        )
    )
limit %(task_limit)s
for update skip locked
