-- Find the last pass that did something.
-- Locks: nothing.
-- Again: finds it again.
select r.started_at, r.duration_ms, r.host, r.exit_code
from runs as r
order by r.id desc
limit 1
