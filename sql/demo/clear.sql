-- Empty the demonstration's database of all that an earlier demonstration left in it.
-- Locks: everything in it.
-- Again: empties it again.
do $$
begin
    drop schema if exists public cascade;
    create schema public;
end
$$
