-- A settled batch has frozen = spent + refunded.
select b.id, b.frozen_credits, b.credits_spent, coalesce(x.back, 0) as refunded
from batch_jobs as b
left join (
    select ref_id, sum(credits_delta) as back from credit_ledger where ref_type = 'batch_refund' group by ref_id
) as x on x.ref_id = b.id::text
where b.settlement_status <> 'pending' and b.frozen_credits <> b.credits_spent + coalesce(x.back, 0)
