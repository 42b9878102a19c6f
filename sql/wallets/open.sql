-- Make an empty wallet for a customer who has none.
-- Locks: nothing that exists; it waits for another transaction that is just making it.
-- Again: makes none.
insert into credit_wallet (user_id, created_at, updated_at)
values (%(user_id)s, %(now)s, %(now)s)
on conflict (user_id) do nothing
