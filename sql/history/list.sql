-- List the applied migrations in order.
-- Locks: nothing.
-- Again: lists them again.
select number, name, sha256 from batchctl_migrations order by number
