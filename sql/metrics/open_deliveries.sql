-- Count events that are neither delivered nor given up; those of disabled endpoints are set aside.
-- Locks: nothing.
-- Again: counts them again.
select
    d.status as state,
    count(*) as deliveries
from webhook_deliveries as d
where d.status in ('pending', 'retrying') and d.next_attempt_at is not null
group by d.status
union all
select
    'set_aside',
    count(*)
from webhook_deliveries as d
where d.status = 'retrying' and d.next_attempt_at is null
order by state
