-- Forget that the provider refused our account: it has taken a task again.
-- Locks: the breaker.
-- Again: changes nothing.
delete from account_breaker
where provider_host = %(provider_host)s
