-- The role of an application that enqueues batches: it inserts a batch and its tasks, and reads how they stand. States,
-- counters and money are not its to write: who could insert a batch as claimed and paid for would be given credits back
-- that nobody took.
--
-- To be run by the owner of the tables after `migrate`, and again after each. Where row policies guard the tables, they
-- say what the application may do there.

do $$
begin
    if not exists (select from pg_roles where rolname = 'batch_application') then
        create role batch_application nologin;
    end if;
    execute format('grant usage on schema %I to batch_application', current_schema());
end $$;

revoke all on
batchctl_migrations, adoption, adopted_wallets, batch_jobs, video_tasks, batch_requests, credit_wallet, credit_ledger,
webhook_deliveries, delivery_attempts, webhook_endpoints, webhook_secrets, late_looks, late_results, account_breaker,
runs, operator_actions, pauses, pruned_history
from batch_application;

grant select on batch_jobs, video_tasks to batch_application;
grant insert (
    id, user_id, status, total_count, cost_per_video, webhook_url, enqueued_at, created_at
) on batch_jobs to batch_application;
grant insert (
    id, user_id, batch_job_id, batch_index, status, prompt, model, reference_url, aspect_ratio, duration, size, meta,
    created_at
) on video_tasks to batch_application;
