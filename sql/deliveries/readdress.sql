-- Send deliveries from now on to where their customers want to be told today.
-- Locks: these deliveries (the caller holds them).
-- Again: writes the same addresses.
update webhook_deliveries as d
set url = r.url
from unnest(%(ids)s::uuid[], %(urls)s::text[]) as r (id, url)
where d.id = r.id and d.id = any(%(ids)s::uuid[])
