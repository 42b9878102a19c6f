-- Remove an endpoint with its secrets.
-- Locks: this endpoint (the caller holds it, so that no event is set aside for it meanwhile) and its secrets.
-- Again: changes nothing.
delete from webhook_endpoints
where id = %(endpoint_id)s
