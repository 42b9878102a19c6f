-- Take the turn to try one task at a provider that refuses our account; the next turn comes after a wait.
-- Locks: the breaker.
-- Again: takes nothing, until the next turn.
update account_breaker
set probe_at = %(next_probe_at)s, probe_count = probe_count + 1
where provider_host = %(provider_host)s and probe_at <= %(now)s
