-- The role of people: what batch_worker may do, and to enqueue batches, to give credits, to send an event to where its
-- customer wants it today, and to keep customers' secrets. What operators hold or release are columns that the worker
-- writes too.
--
-- To be run after batch_worker.sql, by the same role.

do $$
begin
    if not exists (select from pg_roles where rolname = 'batch_operator') then
        create role batch_operator nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'batch_worker') then
        raise exception 'the role batch_worker is missing: make it first (batchctl migrate --role batch_worker)';
    end if;
    if not pg_has_role('batch_operator', 'batch_worker', 'member') then
        grant batch_worker to batch_operator;
    end if;
    execute format('grant usage on schema %I to batch_operator', current_schema());
end $$;

revoke all on
batchctl_migrations, adoption, adopted_wallets, batch_jobs, video_tasks, batch_requests, credit_wallet, credit_ledger,
webhook_deliveries, delivery_attempts, webhook_endpoints, webhook_secrets, late_looks, late_results, account_breaker,
runs, operator_actions, pauses, pruned_history
from batch_operator;

-- Whatever changes something, and `history`
grant select, insert (id, began_at, os_user, host, command, arguments, reason),
update (ended_at, matched_count, changed_count, credits, outcome, error) on operator_actions to batch_operator;

-- `batch create`, `batch retry` and `task retry`
grant insert (
    user_id, status, total_count, cost_per_video, webhook_url, retry_of, enqueued_at, created_at, updated_at
) on batch_jobs to batch_operator;
grant insert (
    user_id, batch_job_id, batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta, retry_of,
    created_at, updated_at
) on video_tasks to batch_operator;
grant insert (user_id, request_id, batch_job_id, created_at) on batch_requests to batch_operator;

-- `batch cancel`
grant update (cancelled_at) on batch_jobs to batch_operator;

-- `wallet grant`
grant insert (user_id, created_at, updated_at), update (bonus_expires_at) on credit_wallet to batch_operator;

-- `pause` and `resume`
grant insert (stage, paused_at, os_user, host, reason), update (paused_at, os_user, host, reason, resumed_at)
on pauses to batch_operator;

-- `webhook resend`, `webhook recover`
grant update (url) on webhook_deliveries to batch_operator;

-- `webhook endpoint`
grant insert (endpoint_id, sealed, fingerprint, created_at, expires_at), update (sealed, expires_at), delete
on webhook_secrets to batch_operator;
grant delete on webhook_endpoints to batch_operator;
