-- Say how many credits the columns of a batch can hold: those of the original worker hold fewer than ours.
-- Locks: nothing.
-- Again: says it again.
select
    min(case when a.atttypid = 'int4'::regtype then 2147483647 else 9223372036854775807 end)::bigint as most_credits
from pg_attribute as a
where a.attrelid = 'batch_jobs'::regclass and a.attname in ('frozen_credits', 'credits_spent', 'cost_per_video')
