-- Write down what an operator granted a customer, and what was written off by it.
-- Locks: nothing that exists; a second grant under the same request id is refused by a unique key.
-- Again: fails where there is a request id, and with it the transaction that would have granted the credits again.
insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, meta, created_at, bucket, balance_after)
select
    %(user_id)s, e.type, e.credits_delta, e.ref_type, e.ref_id, e.meta::jsonb, %(now)s, e.bucket, e.balance_after
from
    unnest(
        %(types)s::text[],
        %(credits_deltas)s::bigint[],
        %(ref_types)s::text[],
        %(ref_ids)s::text[],
        %(metas)s::text[],
        %(buckets)s::text[],
        %(balances_after)s::bigint[]
    ) as e (type, credits_delta, ref_type, ref_id, meta, bucket, balance_after)
