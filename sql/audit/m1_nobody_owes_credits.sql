-- Nobody's wallet is below zero.
-- Locks: nothing.
-- Again: says it again.
select
    'customer' as kind,
    w.user_id::text as id,
    concat(w.permanent_credits, ' permanent, ', w.bonus_credits, ' bonus') as detail,
    count(*) over () as found
from credit_wallet as w
where w.permanent_credits < 0 or w.bonus_credits < 0
order by w.user_id
limit %(offender_limit)s
