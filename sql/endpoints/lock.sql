-- Lock an endpoint, so that nobody else changes it or its secrets.
-- Locks: this endpoint.
-- Again: the same row.
select id from webhook_endpoints
where id = %(endpoint_id)s
for no key update
