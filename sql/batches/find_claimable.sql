-- Find complete queued batches to claim. A turn goes to the customer with the fewest batches under way, then to the
-- oldest batch, so that one customer's thousand batches do not starve the next customer.
-- Locks: these batches, skipping those that another worker holds.
-- Again: finds the same batches until they are claimed or refused.
with recursive customer as (
    (select user_id from batch_jobs where next_step = 'claim' order by user_id limit 1)
    union all
    select (
        select b.user_id from batch_jobs as b
        where b.next_step = 'claim' and b.user_id > c.user_id
        order by b.user_id
        limit 1
    )
    from customer as c
    where c.user_id is not null
),

candidate as materialized (
    select
        b.id,
        b.created_at,
        under_way.n + row_number() over (partition by c.user_id order by b.created_at, b.id) as turn
    from customer as c
    cross join
        lateral (
            select count(*) as n
            from (
                select from batch_jobs as p
                where p.next_step in ('start', 'poll') and p.user_id = c.user_id
                limit 1000
            ) as open_batch
        ) as under_way
    cross join
        lateral (
            select q.id, q.created_at from batch_jobs as q
            where q.next_step = 'claim' and q.user_id = c.user_id
            order by q.created_at, q.id
            limit %(batch_limit)s * 8
        ) as b
    where c.user_id is not null
),

picked as materialized (
    select b.id, b.user_id, b.total_count, b.cost_per_video, b.webhook_url, b.created_at
    from candidate as c
    inner join batch_jobs as b on c.id = b.id
    where b.next_step = 'claim'
    order by c.turn, c.created_at, c.id
    limit %(batch_limit)s
    for no key update of b skip locked
)

select
    p.id,
    p.user_id,
    p.total_count,
    p.cost_per_video,
    p.total_count - (
        select count(*) from video_tasks as t
        where t.batch_job_id = p.id and t.model ~* '^\s*veo-pro\s*$'
    ) as bonus_eligible_count,
    p.webhook_url
from picked as p
order by p.created_at, p.id
