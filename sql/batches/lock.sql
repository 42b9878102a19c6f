-- Lock batches, to change what is still to become of them.
-- Locks: these batches, waiting for whoever works on them.
-- Again: holds them already.
select id from batch_jobs
where id = any(%(ids)s::uuid[])
order by id
for no key update
