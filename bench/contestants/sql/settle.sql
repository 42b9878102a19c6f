-- Close the books of a finished batch: charge what succeeded, give back the rest. A job that is run again finds a batch
-- that is settled and was not announced.
with settled as (
    update batches
    set
        credits_spent = success_count * price,
        status = case success_count when total_count then 'completed' when 0 then 'failed' else 'partial' end,
        completed_at = now()
    where id = $1::int and open_count = 0 and completed_at is null
    returning id, user_id, frozen_credits - credits_spent as refund
),

paid_back as (
    update wallets set credits = credits + settled.refund
    from settled
    where wallets.user_id = settled.user_id and settled.refund > 0
),

entry as (
    insert into ledger (user_id, batch_id, type, credits_delta)
    select user_id, id, 'refund', refund from settled where refund > 0
)

select id from settled
union all
select id from batches
where id = $1::int and completed_at is not null and announced_at is null and not exists (select from settled)
