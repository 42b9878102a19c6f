-- Add the constraints of a fresh database; return those that old rows break, and so are exempt from.
-- Locks: batch_jobs, against everybody, while its rows are looked at.
-- Again: changes nothing.
select kind, broken as count from batchctl_constrain()
