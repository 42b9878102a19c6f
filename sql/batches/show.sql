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
    b.created_at,
    b.enqueued_at,
    b.completed_at,
    b.cancelled_at,
    b.retry_of,
    (
        select r.id from batch_jobs as r
        where r.retry_of = b.id
        order by r.created_at desc, r.id desc
        limit 1
    ) as retried_by
from batch_jobs as b
where b.id = %(batch_id)s
