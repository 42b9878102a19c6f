-- The role of passes: what `run-once` and its stages need, and every command that only looks. It makes no table,
-- deletes nothing that is history, never changes a row of the ledger, and cannot say anew whose a batch is, what it
-- costs, what was ordered or where its customer is told.
--
-- To be run by the owner of the tables after `migrate`, and again after each: it takes back what this version does not
-- need. Let a login of yours have the rights (`grant batch_worker to app_login`) or make it one (`alter role
-- batch_worker login password '…'`).

do $$
begin
    if not exists (select from pg_roles where rolname = 'batch_worker') then
        create role batch_worker nologin;
    end if;
    execute format('grant usage on schema %I to batch_worker', current_schema());
end $$;

revoke all on
batchctl_migrations, adoption, adopted_wallets, batch_jobs, video_tasks, batch_requests, credit_wallet, credit_ledger,
webhook_deliveries, delivery_attempts, webhook_endpoints, webhook_secrets, late_looks, late_results, account_breaker,
runs, operator_actions, pauses, pruned_history
from batch_worker;

-- Whether the schema is of this version, whose it was, what is paused, and what doctor and the lists look at besides.
grant select on batchctl_migrations, adoption, adopted_wallets, batch_requests, runs, pauses, pruned_history
to batch_worker;

-- How a batch and a task stand. The counters of a batch are kept by a trigger with its owner's rights.
grant select on batch_jobs, video_tasks to batch_worker;
grant update (
    status, frozen_credits, credits_spent, settlement_status, success_count, failed_count, last_error, hold_reason,
    webhook_status, webhook_attempts, webhook_last_error, webhook_last_sent_at, updated_at, completed_at
) on batch_jobs to batch_worker;
grant update (
    status, attempts, first_attempt_at, claimed_at, unknown_since, blocked_by, provider_host, grsai_task_id,
    next_retry_at, submit_errors, submit_defers, resubmits, next_poll_at, last_poll_at, poll_count, poll_errors,
    progress, video_url, video_url_seen_at, error_message, failure_reason, failure_type, last_error, hold_reason,
    updated_at, completed_at
) on video_tasks to batch_worker;

-- Money: balances move, and the ledger says why, one row after the other.
grant select on credit_wallet, credit_ledger to batch_worker;
grant update (permanent_credits, bonus_credits, updated_at) on credit_wallet to batch_worker;
grant insert (
    user_id, type, credits_delta, ref_type, ref_id, meta, created_at, bucket, balance_after
) on credit_ledger to batch_worker;
grant usage on sequence credit_ledger_id_seq to batch_worker;

-- What customers are told: an event is written once, and only its delivery moves.
grant select on webhook_deliveries, delivery_attempts to batch_worker;
grant insert (
    id, batch_job_id, event_type, url, body, created_at, status, next_attempt_at
) on webhook_deliveries to batch_worker;
grant update (
    status, attempts, next_attempt_at, last_status_code, last_error, delivered_at
) on webhook_deliveries to batch_worker;
grant insert (delivery_id, attempt, started_at, by_operator) on delivery_attempts to batch_worker;
grant update (duration_ms, status_code, error, answer) on delivery_attempts to batch_worker;
grant execute on function
get_enterprise_webhook_for_batch(uuid), batchctl_signing_secrets(uuid, text, timestamptz)
to batch_worker;

-- Where they are told: an endpoint has a row when it fails, and is disabled and enabled. Its secrets are read, sealed.
grant select, insert (
    user_id, url, created_at, updated_at, failing_since, disabled_at, disabled_reason, disabled_by
), update (failing_since, disabled_at, disabled_reason, disabled_by, updated_at) on webhook_endpoints to batch_worker;
grant select on webhook_secrets to batch_worker;

-- Queues and memories of its own, whose rows come and go; results that came late stay.
grant select, insert (task_id, next_look_at, until), update (next_look_at), delete on late_looks to batch_worker;
grant select, insert (task_id, grsai_task_id, video_url, seen_at) on late_results to batch_worker;
grant select, insert (provider_host, opened_at, reason, probe_at), update (reason, probe_at, probe_count), delete
on account_breaker to batch_worker;
grant insert (started_at, duration_ms, host, process_id, exit_code, report, pass_id) on runs to batch_worker;

-- Row policies of the original worker's database know its customers only. There the worker sees the tasks of batches,
-- and single videos not at all.
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
            and not exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'batch_worker')
    loop
        execute format(
            'create policy batch_worker on %s to batch_worker using (%s)',
            guarded,
            case guarded when 'video_tasks'::regclass then 'batch_job_id is not null' else 'true' end
        );
    end loop;
end $$;
