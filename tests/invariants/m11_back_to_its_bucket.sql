-- A refund goes to the bucket it came from, save for bonus credits that expired meanwhile.
select ref_id, bucket, sum(credits_delta - coalesce((meta ->> 'expired_bonus')::bigint, 0)) as net
from credit_ledger
where ref_type in ('batch_upfront', 'batch_refund')
group by ref_id, bucket
having sum(credits_delta - coalesce((meta ->> 'expired_bonus')::bigint, 0)) > 0
