-- Write down that an operator begins to change something.
-- Locks: nothing that others have.
-- Again: refused by the primary key.
insert into operator_actions (id, began_at, os_user, host, command, arguments, reason)
values (%(id)s, %(now)s, %(os_user)s, %(host)s, %(command)s, %(arguments)s::jsonb, %(reason)s)
