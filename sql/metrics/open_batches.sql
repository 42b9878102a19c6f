-- Count batches that have not ended, with their tasks and the credits frozen for them, by what they wait for.
-- Locks: nothing.
-- Again: counts them again.
select
    b.next_step,
    count(*) as batches,
    coalesce(sum(b.tasks_pending), 0)::bigint as tasks_pending,
    coalesce(sum(b.tasks_in_flight), 0)::bigint as tasks_in_flight,
    coalesce(sum(b.tasks_succeeded), 0)::bigint as tasks_succeeded,
    coalesce(sum(b.tasks_failed), 0)::bigint as tasks_failed,
    least(sum(b.frozen_credits), 9223372036854775807)::bigint as frozen_credits
from batch_jobs as b
where
    b.next_step in ('claim', 'start', 'poll')
    or b.next_step in ('refuse', 'fill', 'settle', 'close', 'adopt')
group by b.next_step
order by b.next_step
