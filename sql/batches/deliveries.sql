-- List what the customer of a batch is told of it, the newest event first.
-- Locks: nothing.
-- Again: lists it again.
select
    id,
    event_type,
    status,
    url as receiver,
    attempts,
    created_at,
    next_attempt_at,
    delivered_at,
    last_status_code,
    last_error
from webhook_deliveries
where batch_job_id = %(batch_id)s
order by created_at desc, id
limit %(delivery_limit)s
