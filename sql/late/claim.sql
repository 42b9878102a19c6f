-- Claim failed tasks that are due for a look, the longest due first, and forget those whose time of looking is over.
-- Locks: these looks, skipping locked ones.
-- Again: takes the next ones; a look whose worker died is due again when its lease ends.
with over as (
    delete from late_looks
    where task_id = any(array(
        select o.task_id from late_looks as o
        where o.until < %(now)s
        for update skip locked
    ))
),

due as materialized (
    select task_id from late_looks
    where next_look_at <= %(now)s and until >= %(now)s
    order by next_look_at, task_id
    limit %(look_limit)s
    for update skip locked
),

claimed as (
    update late_looks as l
    set next_look_at = %(lease_until)s
    where l.task_id = any(array(select task_id from due))
    returning l.task_id, l.until
)

select c.task_id as id, t.grsai_task_id as remote_id, t.provider_host, c.until as looked_at_until
from claimed as c
inner join video_tasks as t on c.task_id = t.id
