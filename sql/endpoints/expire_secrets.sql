-- Let the secrets of an endpoint expire, none later than it would have.
-- Locks: these secrets (the caller holds the endpoint).
-- Again: changes nothing.
update webhook_secrets
set expires_at = least(expires_at, %(expires_at)s)
where endpoint_id = %(endpoint_id)s
