-- Find for deliveries with which secrets they are signed now, and whether their endpoint is disabled.
-- Locks: nothing (the caller holds these deliveries).
-- Again: finds it again.
select
    d.id as delivery_id,
    case when e.disabled_at is not null then e.id end as disabled_endpoint,
    batchctl_signing_secrets(b.id, d.url, %(now)s) as secrets
from webhook_deliveries as d
inner join batch_jobs as b on d.batch_job_id = b.id
left join webhook_endpoints as e on b.user_id = e.user_id and d.url = e.url
where d.id = any(%(ids)s::uuid[])
