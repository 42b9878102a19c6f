-- Bonus credits pay for no more than the tasks of a batch that are not veo-pro.
-- Locks: nothing.
-- Again: says it again.
with batch as (
    select
        b.id,
        b.cost_per_video,
        -l.credits_delta as bonus,
        b.total_count - (
            select count(*) from video_tasks as t
            where t.batch_job_id = b.id and t.model ~* '^\s*veo-pro\s*$'
        ) as payable
    from batchctl_audited(%(since)s) as b
    inner join credit_ledger as l on b.id::text = l.ref_id and l.ref_type = 'batch_upfront' and l.bucket = 'bonus'
    -- Rows without a balance were written by other programs.
    where l.balance_after is not null
)

select
    'batch' as kind,
    b.id::text as id,
    concat(b.bonus, ' bonus credits, tasks that it may pay ', b.payable, ', price ', b.cost_per_video) as detail,
    count(*) over () as found
from batch as b
where b.bonus > b.payable::numeric * b.cost_per_video
order by b.id
limit %(offender_limit)s
