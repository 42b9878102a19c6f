-- Remember how far history is pruned, before any of it goes: the audit misses no event of a batch that ended earlier.
-- Locks: the one row.
-- Again: changes nothing but when.
insert into pruned_history as p (ended_before, pruned_at)
values (%(before)s, %(now)s)
on conflict (singleton) do update
    set ended_before = greatest(p.ended_before, excluded.ended_before), pruned_at = excluded.pruned_at
