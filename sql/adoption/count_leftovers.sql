-- Count what the original worker left behind, by kind; a row may be of several kinds.
-- Locks: nothing.
-- Again: counts anew.
with batch as materialized (
    select
        b.status,
        b.settlement_status,
        b.next_step,
        b.frozen_credits,
        b.task_count,
        b.tasks_pending,
        b.webhook_url,
        b.webhook_status,
        b.completed_at,
        b.frozen_credits > 0 and not exists (
            select from credit_ledger as l where l.ref_id = b.id::text and l.ref_type = 'batch_upfront'
        ) as is_paid_without_trace
    from batch_jobs as b
),

task as materialized (
    select
        t.status,
        t.batch_job_id is null as is_single,
        t.grsai_task_id is null as is_unsent,
        t.video_url is not null as has_video,
        t.completed_at is null as has_no_end
    from video_tasks as t
)

select k.kind, k.count
from (
    select 'queued' as kind, count(*) as count from batch where next_step in ('claim', 'fill', 'refuse')
    union all
    select 'started', count(*)
    from batch
    where status = 'processing' and settlement_status = 'pending' and task_count > 0
    union all
    select 'paid_without_tasks', count(*) from batch where next_step = 'settle' and task_count = 0
    union all
    select 'paid_before_claimed', count(*) from batch where status = 'queued' and frozen_credits > 0
    union all
    select 'claimed_never_paid', count(*) from batch
    where next_step = 'adopt' and status = 'processing' and settlement_status = 'pending' and frozen_credits = 0
    union all
    select 'settled_never_ended', count(*) from batch where status = 'processing' and settlement_status <> 'pending'
    union all
    select 'refused_with_pending_tasks', count(*) from batch where next_step = 'close' and frozen_credits = 0
    union all
    select 'failed_after_paid', count(*) from batch
    where status = 'failed' and settlement_status = 'pending' and frozen_credits > 0
    union all
    select 'ended_never_settled', count(*) from batch
    where status in ('completed', 'partial') and settlement_status = 'pending' and frozen_credits > 0
    union all
    select 'paid_without_trace', count(*) from batch where is_paid_without_trace and settlement_status = 'pending'
    union all
    select 'ended_without_time', count(*) from batch
    where status in ('completed', 'partial', 'failed') and completed_at is null
    union all
    select 'ended_never_told', count(*) from batch
    where status in ('completed', 'partial', 'failed') and webhook_url is not null and webhook_status is null
    union all
    select 'tasks_in_doubt', count(*) from task where status = 'processing' and is_unsent and not is_single
    union all
    select 'tasks_at_provider', count(*) from task where status = 'processing' and not is_unsent and not is_single
    union all
    select 'tasks_running_with_video', count(*) from task where status = 'processing' and has_video and not is_single
    union all
    select 'tasks_ended_without_time', count(*) from task
    where status in ('succeeded', 'failed') and has_no_end and not is_single
    union all
    select 'tasks_without_status', count(*) from task where status is null and not is_single
    union all
    select 'single_videos', count(*) from task where is_single
    union all
    select 'wallets_unlike_ledger', count(*) from adopted_wallets
) as k
where k.count > 0
