-- Let others migrate.
-- Locks: nothing; gives up all advisory locks of the session.
-- Again: changes nothing.
select pg_advisory_unlock_all()
