-- Remember that a migration was applied.
-- Locks: nothing that exists.
-- Again: fails, for its number is taken.
insert into batchctl_migrations (number, name, sha256, applied_at)
values (%(number)s, %(name)s, %(sha256)s, %(now)s)
