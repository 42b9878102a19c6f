-- Find what an event says, byte for byte, and the secrets in force that sign it; none: the default one.
-- Locks: nothing.
-- Again: finds it again.
select
    d.body,
    cardinality(batchctl_signing_secrets(d.batch_job_id, d.url, %(now)s)) as secret_count
from webhook_deliveries as d
where d.id = %(delivery_id)s
