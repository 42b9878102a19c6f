-- Add an endpoint, unless it is there already.
-- Locks: nothing that exists.
-- Again: changes nothing.
insert into webhook_endpoints (user_id, url, created_at, updated_at)
values (%(user_id)s, %(url)s, %(now)s, %(now)s)
on conflict (user_id, url) do nothing
