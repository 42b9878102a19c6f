-- Enable an endpoint, with a clean slate.
-- Locks: this endpoint.
-- Again: changes nothing.
update webhook_endpoints
set disabled_at = null, disabled_reason = null, disabled_by = null, failing_since = null, updated_at = %(now)s
where id = %(endpoint_id)s and disabled_at is not null
