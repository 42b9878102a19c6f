-- Say whether the table of applied migrations exists.
-- Locks: nothing.
-- Again: says it again.
select to_regclass('batchctl_migrations') is not null as exists
