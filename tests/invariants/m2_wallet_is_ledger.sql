-- Each bucket of each wallet is the sum of its ledger rows.
select user_id, bucket, w.amount as wallet, l.amount as ledger
from (
    select user_id, 'permanent' as bucket, permanent_credits as amount from credit_wallet
    union all
    select user_id, 'bonus', bonus_credits from credit_wallet
) as w
full join (
    select user_id, bucket, sum(credits_delta) as amount from credit_ledger group by user_id, bucket
) as l using (user_id, bucket)
where coalesce(w.amount, 0) <> coalesce(l.amount, 0)
