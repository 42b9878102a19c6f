-- Try to become the only one who migrates. It does not wait: a waiting session would hold up an index that is being
-- built concurrently by the one that migrates, and both would wait for ever.
-- Locks: an advisory lock until the session ends.
-- Again: holds it already.
select pg_try_advisory_lock(hashtext('batchctl migrate')) as locked
