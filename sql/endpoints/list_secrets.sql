-- List the secrets in force of endpoints, those that expire first; never what they are.
-- Locks: nothing.
-- Again: lists them again.
select endpoint_id, fingerprint, created_at, expires_at
from webhook_secrets
where endpoint_id = any(%(endpoint_ids)s::uuid[]) and (expires_at is null or expires_at > %(now)s)
order by expires_at nulls last, created_at, id
