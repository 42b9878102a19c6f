-- Say what time it is, by the database's clock, which all workers share.
-- Locks: nothing.
-- Again: says a later time.
select clock_timestamp() as now
