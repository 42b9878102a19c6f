-- Every batch row of the ledger has a batch, a bucket, and the sign of its kind.
select l.id from credit_ledger as l
left join batch_jobs as b on b.id::text = l.ref_id
where
    l.ref_type in ('batch_upfront', 'batch_refund')
    and (
        b.id is null or l.bucket is null or l.balance_after < 0
        or (l.type, l.ref_type) not in (('spend', 'batch_upfront'), ('refund', 'batch_refund'))
        or (l.type = 'spend') <> (l.credits_delta < 0)
    )
