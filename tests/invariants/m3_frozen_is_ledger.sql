-- What a batch says is frozen is what the ledger took for it.
select b.id, b.frozen_credits, x.took
from batch_jobs as b
left join (
    select ref_id, -sum(credits_delta) as took from credit_ledger where ref_type = 'batch_upfront' group by ref_id
) as x on x.ref_id = b.id::text
where b.frozen_credits <> coalesce(x.took, 0)
