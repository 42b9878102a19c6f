-- Say which customers without a locked wallet have one all the same: another transaction holds it.
-- Locks: nothing.
-- Again: says it again.
select user_id from credit_wallet
where user_id = any(%(user_ids)s::uuid[])
