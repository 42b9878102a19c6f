-- One freeze and one refund row for each batch and bucket.
select ref_type, ref_id, bucket, count(*) from credit_ledger
where ref_type in ('batch_upfront', 'batch_refund')
group by ref_type, ref_id, bucket having count(*) > 1
