-- Write what looks at failed tasks saw: a result is kept once and ends the looks, and so does anything else that is
-- final; the others are looked at again. The tasks themselves stay as they are.
-- Locks: these looks.
-- Again: changes nothing: looks that ended are gone, and the others get the same time.
with seen as materialized (
    select s.id, s.remote_id, s.video_url, s.next_look_at
    from
        unnest(
            %(ids)s::uuid[], %(remote_ids)s::text[], %(video_urls)s::text[], %(next_look_ats)s::timestamptz[]
        ) as s (id, remote_id, video_url, next_look_at)
),

put_off as (
    update late_looks as l
    set next_look_at = s.next_look_at
    from seen as s
    where l.task_id = s.id and l.task_id = any(%(ids)s::uuid[]) and s.next_look_at is not null
),

ended as (
    delete from late_looks as l
    using seen as s
    where l.task_id = s.id and l.task_id = any(%(ids)s::uuid[]) and s.next_look_at is null
    returning l.task_id, s.remote_id, s.video_url
)

insert into late_results (task_id, grsai_task_id, video_url, seen_at)
select e.task_id, e.remote_id, e.video_url, %(now)s
from ended as e
where e.video_url is not null
on conflict (task_id) do nothing
returning task_id as id
