-- Let the guards refuse from now on what they only warned of.
-- Locks: the one row of adoption.
-- Again: keeps the first time.
update adoption set applied_at = %(now)s where applied_at is null
