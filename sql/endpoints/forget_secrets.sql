-- Forget the secrets of an endpoint that have expired: nothing is signed or checked with them any more.
-- Locks: these secrets (the caller holds the endpoint).
-- Again: finds none.
delete from webhook_secrets
where endpoint_id = %(endpoint_id)s and expires_at <= %(now)s
