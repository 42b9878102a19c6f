-- Say when the database was taken over from the original worker, and since when its guards refuse.
-- Locks: nothing.
-- Again: says it again.
select adopted_at, applied_at from adoption
