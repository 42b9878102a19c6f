-- Find batches that may have tasks sent now: some are due, and fewer than the cap are in flight.
-- Of more batches than places it takes those whose turn comes first: a turn goes to the customer with the fewest tasks
-- in flight, then to its batch with the fewest.
-- Locks: these batches, skipping locked ones; so the cap holds, for in flight only changes under this lock.
-- Again: finds them again while they have due tasks and room.
with recursive customer as (
    (select user_id from batch_jobs where next_step = 'start' order by user_id limit 1)
    union all
    select (
        select b.user_id from batch_jobs as b
        where b.next_step = 'start' and b.user_id > c.user_id
        order by b.user_id
        limit 1
    )
    from customer as c
    where c.user_id is not null
),

candidate as materialized (
    select
        b.id,
        b.due_count,
        under_way.n as customer_in_flight
    from customer as c
    cross join
        lateral (
            select coalesce(sum(open_batch.tasks_in_flight), 0)::int as n
            from (
                select p.tasks_in_flight from batch_jobs as p
                where p.next_step in ('start', 'poll') and p.user_id = c.user_id
                limit 1000
            ) as open_batch
        ) as under_way
    cross join
        lateral (
            select open_batch.id, open_batch.created_at, open_batch.tasks_in_flight, due.n as due_count
            from (
                select q.id, q.created_at, q.tasks_in_flight from batch_jobs as q
                where q.next_step = 'start' and q.user_id = c.user_id and q.tasks_in_flight < %(start_cap)s
                order by q.created_at, q.id
                limit 1000
            ) as open_batch
            cross join
                lateral (
                    select count(*)::int as n
                    from (
                        select from video_tasks as t
                        where
                            t.batch_job_id = open_batch.id and t.status in ('pending', 'queued')
                            and t.hold_reason is null
                            and (t.next_retry_at is null or t.next_retry_at <= %(now)s)
                            and (t.claimed_at is null or t.claimed_at < %(pass_started_at)s)
                        limit least(%(start_cap)s, %(places)s)
                    ) as due_task
                ) as due
            where due.n > 0
            order by open_batch.tasks_in_flight, open_batch.created_at, open_batch.id
            limit %(places)s
        ) as b
    where c.user_id is not null
    order by
        under_way.n + row_number() over (partition by c.user_id order by b.tasks_in_flight, b.created_at, b.id),
        b.created_at,
        b.id
    limit %(places)s
),

locked as materialized (
    select b.id, b.user_id, b.created_at, b.tasks_in_flight
    from batch_jobs as b
    where b.id = any(array(select id from candidate)) and b.next_step = 'start'
    for no key update skip locked
)

select l.id, l.user_id, l.tasks_in_flight, c.due_count, c.customer_in_flight
from locked as l
inner join candidate as c on l.id = c.id
where l.tasks_in_flight < %(start_cap)s
order by l.created_at, l.id
