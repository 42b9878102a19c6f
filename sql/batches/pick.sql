-- Find the batches whose ids lie between two, to tell what the beginning of an id means.
-- Locks: nothing.
-- Again: finds them again.
select id from batch_jobs
where id between %(first)s and %(last)s
order by id
limit %(batch_limit)s
