-- Find where an endpoint is, and the secrets in force that sign for it, the oldest first.
-- Locks: nothing.
-- Again: finds it again.
select
    e.id as endpoint_id,
    e.url,
    e.disabled_at is not null as is_disabled,
    coalesce(
        array_agg(s.sealed order by s.expires_at nulls last, s.created_at, s.id) filter (where s.id is not null),
        array[]::text[]
    ) as secrets
from webhook_endpoints as e
left join webhook_secrets as s on e.id = s.endpoint_id and (s.expires_at is null or s.expires_at > %(now)s)
where e.id = %(endpoint_id)s
group by e.id, e.url, e.disabled_at
