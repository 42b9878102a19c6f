-- Let one worker at a time take places at the provider, where their number over the whole database is limited.
-- Locks: an advisory lock until the end of the transaction.
-- Again: holds it already.
select pg_advisory_xact_lock(hashtext('batchctl places in flight'))
