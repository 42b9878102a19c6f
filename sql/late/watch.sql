-- Note tasks that a limit failed, in the transaction that fails them, so that they are looked at again for a while.
-- Locks: nothing that exists (the caller holds the tasks).
-- Again: changes nothing: a task is failed once.
insert into late_looks (task_id, next_look_at, until)
select t.id, %(next_look_at)s, %(until)s
from unnest(%(task_ids)s::uuid[]) as t (id)
on conflict (task_id) do nothing
