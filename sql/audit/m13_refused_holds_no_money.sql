-- A batch that was refused holds no money and was not settled.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(
        b.last_error, ', yet ', b.status, ' and ', b.settlement_status, ', ', b.frozen_credits, ' frozen, ',
        case when l.is_there then 'rows' else 'nothing' end, ' in the ledger'
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
cross join
    lateral (
        select count(*) > 0 as is_there from credit_ledger as e
        where e.ref_id = b.id::text and e.ref_type in ('batch_upfront', 'batch_refund')
    ) as l
where
    b.last_error in ('INSUFFICIENT_CREDITS', 'WALLET_NOT_FOUND', 'TASK_COUNT_MISMATCH', 'INVALID_BATCH')
    and (b.status <> 'failed' or b.frozen_credits <> 0 or b.settlement_status <> 'pending' or l.is_there)
order by b.id
limit %(offender_limit)s
