-- Find the batch that a customer enqueued under a request id.
-- Locks: nothing.
-- Again: finds it again.
select b.id, b.total_count, b.cost_per_video, b.webhook_url
from batch_requests as r
inner join batch_jobs as b on r.batch_job_id = b.id
where r.user_id = %(user_id)s and r.request_id = %(request_id)s
