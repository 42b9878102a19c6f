-- Move time on for a demonstration: what is due later becomes due so many seconds earlier.
-- Locks: all open tasks and deliveries.
-- Again: moves time on once more.
with polls as (
    update video_tasks
    set
        next_poll_at = next_poll_at - make_interval(secs => %(seconds)s),
        next_retry_at = next_retry_at - make_interval(secs => %(seconds)s)
    where status in ('pending', 'processing')
)

update webhook_deliveries
set next_attempt_at = next_attempt_at - make_interval(secs => %(seconds)s)
where status = 'retrying'
