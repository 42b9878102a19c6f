-- The role of dashboards: it reads how things stand and what they cost, and changes nothing. What customers wrote or
-- got stays closed: prompts, references, videos, addresses, events and what was answered to them, and secrets, sealed
-- as they are. Errors are open, and a provider may have quoted a prompt in one.
--
-- To be run by the owner of the tables after `migrate`, and again after each.

do $$
begin
    if not exists (select from pg_roles where rolname = 'batch_viewer') then
        create role batch_viewer nologin;
    end if;
    execute format('grant usage on schema %I to batch_viewer', current_schema());
end $$;

revoke all on
batchctl_migrations, adoption, adopted_wallets, batch_jobs, video_tasks, batch_requests, credit_wallet, credit_ledger,
webhook_deliveries, delivery_attempts, webhook_endpoints, webhook_secrets, late_looks, late_results, account_breaker,
runs, operator_actions, pauses, pruned_history
from batch_viewer;

grant select on
batchctl_migrations, adoption, adopted_wallets, batch_requests, late_looks, account_breaker, runs, operator_actions,
pauses, pruned_history
to batch_viewer;
grant select (
    id, user_id, status, total_count, cost_per_video, created_at, enqueued_at, success_count, failed_count,
    frozen_credits, credits_spent, settlement_status, webhook_status, webhook_attempts, webhook_last_error,
    webhook_last_sent_at, last_error, updated_at, completed_at, hold_reason, task_count, tasks_pending,
    tasks_in_flight, tasks_succeeded, tasks_failed, cancelled_at, retry_of, next_step
) on batch_jobs to batch_viewer;
grant select (
    id, user_id, batch_job_id, batch_index, created_at, duration, model, aspect_ratio, size, error_message,
    failure_reason, failure_type, completed_at, status, grsai_task_id, last_error, attempts, next_retry_at, progress,
    poll_count, last_poll_at, updated_at, next_poll_at, poll_errors, submit_errors, submit_defers, resubmits,
    first_attempt_at, claimed_at, unknown_since, blocked_by, provider_host, video_url_seen_at, hold_reason, retry_of
) on video_tasks to batch_viewer;
grant select (
    user_id, permanent_credits, bonus_credits, bonus_expires_at, created_at, updated_at
) on credit_wallet to batch_viewer;
grant select (
    id, user_id, type, model, credits_delta, ref_type, ref_id, created_at, bucket, balance_after
) on credit_ledger to batch_viewer;
grant select (
    id, batch_job_id, event_type, created_at, status, attempts, next_attempt_at, last_status_code, last_error,
    delivered_at
) on webhook_deliveries to batch_viewer;
grant select (
    id, user_id, created_at, failing_since, disabled_at, disabled_reason, disabled_by, updated_at
) on webhook_endpoints to batch_viewer;
grant select (
    delivery_id, attempt, started_at, duration_ms, status_code, error, by_operator
) on delivery_attempts to batch_viewer;
grant select (task_id, grsai_task_id, seen_at) on late_results to batch_viewer;

do $$
declare
    guarded regclass;
begin
    for guarded in
        select c.oid from pg_class as c
        where
            c.oid in (
                'batch_jobs'::regclass, 'video_tasks'::regclass, 'credit_wallet'::regclass, 'credit_ledger'::regclass
            )
            and c.relrowsecurity
            and not exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'batch_viewer')
    loop
        execute format('create policy batch_viewer on %s for select to batch_viewer using (true)', guarded);
    end loop;
end $$;
