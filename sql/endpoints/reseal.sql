-- Keep secrets sealed anew; one that was sealed by somebody else meanwhile stays as it is.
-- Locks: these secrets.
-- Again: changes nothing.
update webhook_secrets as s
set sealed = r.sealed
from unnest(%(ids)s::uuid[], %(before)s::text[], %(sealed)s::text[]) as r (id, before, sealed)
where s.id = r.id and s.id = any(%(ids)s::uuid[]) and s.sealed = r.before
