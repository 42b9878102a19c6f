-- Show all that is known of a batch by itself.
-- Locks: nothing.
-- Again: shows it again.
select
    b.id,
    b.user_id,
    b.status,
    b.next_step,
    b.hold_reason,
    b.last_error,
    b.total_count,
    b.cost_per_video,
    b.frozen_credits,
    b.credits_spent,
    b.settlement_status,
    b.success_count,
    b.failed_count,
    b.webhook_url as receiver,
    b.webhook_status,
    b.webhook_attempts,
    b.webhook_last_error,
    (select min(r.request_id) from batch_requests as r where r.batch_job_id = b.id) as request_id,
    case when b.created_at between '0001-01-02' and '9999-12-30' then b.created_at end as created_at,
    case when b.enqueued_at between '0001-01-02' and '9999-12-30' then b.enqueued_at end as enqueued_at,
    case when b.completed_at between '0001-01-02' and '9999-12-30' then b.completed_at end as completed_at
from batch_jobs as b
where b.id = %(batch_id)s
