-- Remember a pass that did something.
-- Locks: nothing that exists.
-- Again: remembers it once more.
insert into runs (started_at, duration_ms, host, process_id, exit_code, report, pass_id)
values (
    %(started_at)s, %(duration_ms)s, %(host)s, %(process_id)s, %(exit_code)s, %(report)s::jsonb, %(pass_id)s
)
