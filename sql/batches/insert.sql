-- Enqueue a batch; its tasks follow in the same transaction.
-- Locks: nothing that exists.
-- Again: enqueues another batch.
insert into batch_jobs (
    user_id, status, total_count, cost_per_video, webhook_url, retry_of, enqueued_at, created_at, updated_at
)
values (
    %(user_id)s, 'queued', %(total_count)s, %(cost_per_video)s, %(webhook_url)s, %(retry_of)s, %(now)s,
    %(now)s, %(now)s
)
returning id
