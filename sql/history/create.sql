-- Make the table that remembers which migrations were applied.
-- Locks: nothing that exists.
-- Again: changes nothing.
create table if not exists batchctl_migrations (
    number int primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null
)
