-- Let the server refuse whatever this transaction would write.
-- Locks: nothing.
-- Again: changes nothing.
set local transaction_read_only = on
