-- Remember that the provider refuses our account; since when stays as it was.
-- Locks: the breaker.
-- Again: changes the reason only.
insert into account_breaker as a (provider_host, opened_at, reason, probe_at)
values (%(provider_host)s, %(now)s, %(reason)s, %(probe_at)s)
on conflict (provider_host) do update set reason = excluded.reason
