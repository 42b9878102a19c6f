-- Disable an endpoint; one that is disabled already keeps its reason.
-- Locks: this endpoint.
-- Again: changes nothing.
update webhook_endpoints
set disabled_at = %(now)s, disabled_reason = %(reason)s, disabled_by = %(operator)s, updated_at = %(now)s
where id = %(endpoint_id)s and disabled_at is null
