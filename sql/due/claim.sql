-- Say whether a batch waits to be claimed: while one does, others that arrive are not announced.
-- Locks: nothing.
-- Again: says it again.
select exists(select from batch_jobs as b where b.next_step = 'claim') as waits
