-- Money of a batch moves only in the purse of its owner.
select l.id from credit_ledger as l
inner join batch_jobs as b on b.id::text = l.ref_id
where l.ref_type in ('batch_upfront', 'batch_refund') and l.user_id <> b.user_id
