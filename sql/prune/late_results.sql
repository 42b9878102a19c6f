-- Delete results that came late long ago, some at a time.
-- Locks: these results.
-- Again: deletes the next ones.
with doomed as (
    select r.task_id
    from late_results as r
    where r.seen_at < %(before)s
    order by r.task_id
    limit %(row_limit)s
    for update skip locked
)

delete from late_results as r
using doomed as d
where r.task_id = d.task_id
