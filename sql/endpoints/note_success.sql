-- Note that the receivers of deliveries took them: their endpoints are failing no more.
-- Locks: these endpoints, if they were failing, in the order of their ids.
-- Again: changes nothing.
with well as materialized (
    select e.id
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    inner join webhook_endpoints as e on b.user_id = e.user_id and d.url = e.url
    where d.id = any(%(ids)s::uuid[]) and e.failing_since is not null
    order by e.id
    for no key update of e
)

update webhook_endpoints as e
set failing_since = null, updated_at = %(now)s
from well as w
where e.id = w.id and e.id = any(array(select id from well))
