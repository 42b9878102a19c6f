-- Find the events whose ids lie between two, to tell what the beginning of an id means.
-- Locks: nothing.
-- Again: finds them again.
select id from webhook_deliveries
where id between %(first)s and %(last)s
order by id
limit %(delivery_limit)s
