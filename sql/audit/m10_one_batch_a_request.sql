-- A request id stands for one batch of the customer who sent it, and a batch for one request.
-- Locks: nothing.
-- Again: says it again.
with request as (
    select r.user_id, r.batch_job_id, b.user_id as owner_id, count(*) over (partition by r.batch_job_id) as requests
    from batchctl_audited(%(since)s) as b
    inner join batch_requests as r on b.id = r.batch_job_id
)

select
    'batch' as kind,
    r.batch_job_id::text as id,
    case
        when r.requests > 1 then concat('requests ', r.requests)
        else concat('customer ', r.owner_id, ', requested by ', r.user_id)
    end as detail,
    count(*) over () as found
from request as r
where r.requests > 1 or r.user_id <> r.owner_id
order by r.batch_job_id, r.user_id
limit %(offender_limit)s
