-- Adds batches that ended long ago, with all that is kept of them: ten tasks each, ledger, event, try, late result;
-- and as many wallets of customers who are not here today.
-- The setting test.batches says how many.

set session_replication_role = replica;

insert into batch_jobs (
    user_id, status, total_count, cost_per_video, frozen_credits, credits_spent, settlement_status, success_count,
    failed_count, task_count, tasks_succeeded, tasks_failed, webhook_url, webhook_status, webhook_attempts,
    created_at, completed_at
)
select
    md5((i % 50)::text)::uuid, 'partial', 10, 10, 100, 90, 'refunded', 9,
    1, 10, 9, 1, 'https://example.com/' || i, 'sent', 1,
    now() - interval '30 days', now() - interval '30 days'
from generate_series(1, current_setting('test.batches')::int) as i;

insert into credit_wallet (user_id, permanent_credits)
select gen_random_uuid(), 100 from generate_series(1, current_setting('test.batches')::int);

insert into video_tasks (
    user_id, batch_job_id, batch_index, prompt, status, grsai_task_id, attempts, first_attempt_at, claimed_at,
    poll_count, video_url, failure_type, created_at, completed_at
)
select
    b.user_id, b.id, i, 'clip', case i when 0 then 'failed' else 'succeeded' end, b.id || '-' || i, 1, b.created_at,
    b.created_at, 5, 'https://example.com/v', case i when 0 then 'timeout' end, b.created_at, b.completed_at
from batch_jobs as b, generate_series(0, 9) as i
where b.created_at < now() - interval '1 day' and not exists (select from video_tasks as t where t.batch_job_id = b.id);

insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket)
select b.user_id, l.type, l.delta, l.ref_type, b.id::text, 'permanent'
from
    batch_jobs as b,
    (values ('spend', -100, 'batch_upfront'), ('refund', 10, 'batch_refund')) as l (type, delta, ref_type)
where
    b.created_at < now() - interval '1 day'
    and not exists (select from credit_ledger as o where o.ref_id = b.id::text);

insert into webhook_deliveries (
    batch_job_id, event_type, url, body, status, attempts, last_status_code, delivered_at, created_at
)
select b.id, 'batch.partial', b.webhook_url, '{}', 'sent', 1, 200, b.completed_at, b.created_at
from batch_jobs as b
where b.created_at < now() - interval '1 day'
on conflict do nothing;

insert into webhook_endpoints (user_id, url, failing_since)
select b.user_id, b.webhook_url, b.created_at from batch_jobs as b
where b.created_at < now() - interval '1 day'
on conflict do nothing;

insert into webhook_secrets (endpoint_id, sealed, fingerprint)
select e.id, 'sealed:', '' from webhook_endpoints as e
where not exists (select from webhook_secrets as s where s.endpoint_id = e.id);

insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, status_code)
select d.id, 1, d.created_at, 5, 200 from webhook_deliveries as d
where d.created_at < now() - interval '1 day'
on conflict do nothing;

insert into late_results (task_id, grsai_task_id, video_url, seen_at)
select t.id, t.grsai_task_id, 'https://example.com/v', t.completed_at from video_tasks as t
where t.failure_type = 'timeout' and t.created_at < now() - interval '1 day'
on conflict do nothing;

reset session_replication_role;
