-- Nobody's purse is below zero.
select user_id from credit_wallet
where permanent_credits < 0 or bonus_credits < 0
