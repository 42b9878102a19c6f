-- Write down what happened to customers' credits because of batches.
-- Locks: nothing that exists; a second entry for the same batch, kind and bucket is refused by a unique key.
-- Again: fails, and with it the transaction that would have moved the credits again.
insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, meta, created_at, bucket, balance_after)
select
    e.user_id, e.type, e.credits_delta, e.ref_type, e.batch_id::text, e.meta::jsonb, %(now)s, e.bucket, e.balance_after
from
    unnest(
        %(user_ids)s::uuid[],
        %(types)s::text[],
        %(credits_deltas)s::bigint[],
        %(ref_types)s::text[],
        %(batch_ids)s::uuid[],
        %(metas)s::text[],
        %(buckets)s::text[],
        %(balances_after)s::bigint[]
    ) as e (user_id, type, credits_delta, ref_type, batch_id, meta, bucket, balance_after)
