-- Write what the provider answered. A verdict needs the task open under the same provider id; any other answer also
-- needs the counts it started from, so that two answers to one question count once.
-- Locks: these tasks; then, by the trigger, the batches of those that are finished.
-- Again: changes nothing: the task is finished, or its counts have moved on.
update video_tasks as t
set
    status = r.status,
    poll_count = r.poll_count,
    poll_errors = r.poll_errors,
    progress = coalesce(r.progress, t.progress),
    next_poll_at = r.next_poll_at,
    video_url = r.video_url,
    video_url_seen_at = case when r.video_url is not null then %(now)s::timestamptz end,
    last_error = coalesce(r.last_error, t.last_error),
    error_message = r.error_message,
    failure_type = r.failure_type,
    failure_reason = r.failure_reason,
    completed_at = case when r.status in ('succeeded', 'failed') then %(now)s::timestamptz end,
    updated_at = %(now)s
from
    unnest(
        %(ids)s::uuid[],
        %(remote_ids)s::text[],
        %(expected_poll_counts)s::int[],
        %(expected_poll_errors)s::int[],
        %(statuses)s::text[],
        %(poll_counts)s::int[],
        %(poll_errors)s::int[],
        %(progresses)s::int[],
        %(next_poll_ats)s::timestamptz[],
        %(video_urls)s::text[],
        %(last_errors)s::text[],
        %(error_messages)s::text[],
        %(failure_types)s::text[],
        %(failure_reasons)s::text[]
    ) as r (
        id, remote_id, expected_poll_count, expected_poll_errors, status, poll_count, poll_errors, progress,
        next_poll_at, video_url, last_error, error_message, failure_type, failure_reason
    )
where
    t.id = r.id and t.id = any(%(ids)s::uuid[])
    and t.status = 'processing' and t.grsai_task_id = r.remote_id
    and (
        r.status <> 'processing'
        or (t.poll_count = r.expected_poll_count and t.poll_errors = r.expected_poll_errors)
    )
returning t.id
