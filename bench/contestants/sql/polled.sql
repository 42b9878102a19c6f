-- Note that a task runs.
update tasks set poll_count = poll_count + 1, polled_at = now()
where id = $1::int
returning id
