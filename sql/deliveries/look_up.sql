-- Look up what could be sent now for batches: the event of each, how it stands, where its customer wants to be told as
-- things are today, and with which secrets. A try without an end whose lease lasts is under way; after that its worker
-- died.
-- Locks: nothing.
-- Again: looks it up again.
select
    b.id as batch_id,
    b.status as batch_status,
    coalesce(b.settlement_status = 'pending' and b.frozen_credits > 0, false) as is_unsettled,
    d.id as delivery_id,
    d.event_type,
    d.status,
    coalesce(d.attempts, 0) as attempts,
    d.last_status_code,
    d.last_error,
    d.delivered_at,
    case when a.delivery_id is not null and d.next_attempt_at > %(now)s then d.next_attempt_at end as leased_until,
    d.url as url_before,
    t.url,
    case when e.disabled_at is not null then e.id end as disabled_endpoint,
    batchctl_signing_secrets(b.id, t.url, %(now)s) as secrets
from batch_jobs as b
left join
    lateral (
        select w.* from webhook_deliveries as w
        where w.batch_job_id = b.id
        order by w.created_at desc, w.id
        limit 1
    ) as d
    on true
left join delivery_attempts as a
    on d.id = a.delivery_id and d.attempts = a.attempt and a.duration_ms is null
cross join
    lateral (
        select
            coalesce(
                (select nullif(f.url, '') from get_enterprise_webhook_for_batch(b.id) as f limit 1),
                nullif(b.webhook_url, '')
            ) as url
    ) as t
left join webhook_endpoints as e on b.user_id = e.user_id and t.url = e.url
where b.id = any(%(batch_ids)s::uuid[])
