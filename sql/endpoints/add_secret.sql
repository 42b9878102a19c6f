-- Add a secret to an endpoint.
-- Locks: nothing (the caller holds the endpoint).
-- Again: adds it again.
insert into webhook_secrets (endpoint_id, sealed, fingerprint, created_at, expires_at)
values (%(endpoint_id)s, %(sealed)s, %(fingerprint)s, %(now)s, %(expires_at)s)
