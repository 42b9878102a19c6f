-- Sum up the credits that are frozen in a customer's open batches.
-- Locks: nothing.
-- Again: sums them up again.
select
    count(*) as batch_count,
    coalesce(sum(frozen_credits), 0)::bigint as frozen_credits
from batch_jobs
where
    user_id = %(user_id)s and frozen_credits <> 0 and settlement_status = 'pending'
    and (
        next_step in ('claim', 'start', 'poll')
        or next_step in ('refuse', 'fill', 'settle', 'close', 'adopt')
        or hold_reason is not null
    )
