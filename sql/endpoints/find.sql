-- Find a customer's endpoint by its address.
-- Locks: nothing.
-- Again: finds it again.
select id from webhook_endpoints
where user_id = %(user_id)s and url = %(url)s
