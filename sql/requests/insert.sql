-- Note under which request id a batch was enqueued; where the customer has used it already nothing is written.
-- Locks: the key; it waits for another transaction that is just writing it.
-- Again: writes nothing.
insert into batch_requests (user_id, request_id, batch_job_id, created_at)
values (%(user_id)s, %(request_id)s, %(batch_id)s, %(now)s)
on conflict (user_id, request_id) do nothing
