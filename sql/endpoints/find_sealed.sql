-- Find secrets as they are kept, in the order of their ids.
-- Locks: nothing.
-- Again: finds them again.
select id, endpoint_id, sealed from webhook_secrets
where (expires_at is null or expires_at > %(now)s) and (%(after)s::uuid is null or id > %(after)s)
order by id
limit %(secret_limit)s
