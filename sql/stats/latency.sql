-- Say how long each part of the way took for what ended in a window: percentiles in seconds, and how many took so long
-- that they lie in each bin between edges_s; the line of a part without a bin is the sum of it.
--   start: from a batch's arrival to the first try to send a task; finish: from there to the task's verdict;
--   settle: from a batch's last verdict to its settlement; tell: from a batch's end to the first 2xx of its customer.
-- A part that has not come to its end yet, a batch whose customer was not reached, is counted as open.
-- Locks: nothing.
-- Again: says it again.
with ended_tasks as (
    select
        t.completed_at, t.first_attempt_at, (
            select coalesce(b.enqueued_at, b.created_at) from batch_jobs as b
            where b.id = t.batch_job_id
        ) as enqueued_at
    from video_tasks as t
    where
        t.status in ('succeeded', 'failed') and t.batch_job_id is not null and t.first_attempt_at is not null
        and t.completed_at >= %(since)s and t.completed_at < %(until)s
        and (%(user_id)s::uuid is null or t.user_id = %(user_id)s) and (%(model)s::text is null or t.model = %(model)s)
),

ended_batches as (
    select b.id, b.settlement_status, b.completed_at
    from batch_jobs as b
    where
        b.completed_at >= %(since)s and b.completed_at < %(until)s
        and (%(user_id)s::uuid is null or b.user_id = %(user_id)s)
        and (
            %(model)s::text is null
            or (select true from video_tasks as t where t.batch_job_id = b.id and t.model = %(model)s limit 1)
        )
),

parts as (
    select 'start' as part, e.first_attempt_at - e.enqueued_at as length from ended_tasks as e
    union all
    select 'finish', e.completed_at - e.first_attempt_at from ended_tasks as e
    union all
    select
        'settle', e.completed_at - (
            select max(t.completed_at) from video_tasks as t
            where t.batch_job_id = e.id
        )
    from ended_batches as e
    where e.settlement_status <> 'pending'
    union all
    select 'tell', a.first_taken_at - e.completed_at
    from ended_batches as e
    inner join webhook_deliveries as d on e.id = d.batch_job_id
    cross join lateral (
        select min(r.started_at + make_interval(secs => r.duration_ms / 1000.0)) as first_taken_at
        from delivery_attempts as r
        where r.delivery_id = d.id and r.status_code between 200 and 299
    ) as a
),

measured as (
    select m.part, m.length_s, width_bucket(m.length_s, %(edges_s)s::float8[]) as bin
    from (
        -- Clocks of applications and the original worker may be ahead of the database's.
        select
            p.part, case when p.length < interval '0' then 0 else extract(epoch from p.length) end::float8 as length_s
        from parts as p
    ) as m
)

select
    m.part,
    m.bin,
    count(m.length_s) as count,
    count(*) - count(m.length_s) as open_count,
    percentile_cont(0.5) within group (order by m.length_s) as p50_s,
    percentile_cont(0.95) within group (order by m.length_s) as p95_s,
    percentile_cont(0.99) within group (order by m.length_s) as p99_s,
    max(m.length_s) as longest_s
from measured as m
group by grouping sets ((m.part), (m.part, m.bin))
having grouping(m.bin) = 1 or m.bin is not null
order by m.part, m.bin nulls first
