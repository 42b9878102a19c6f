-- Say which server this is, how it is reached, and what the role that reached it may do that it should not.
-- Locks: nothing.
-- Again: says it again.
select
    current_setting('server_version') as version,
    current_user::text as role_name,
    inet_server_addr() is null as is_local,
    coalesce((select s.ssl from pg_stat_ssl as s where s.pid = pg_backend_pid()), false) as is_encrypted,
    has_any_column_privilege('credit_ledger', 'update') as may_rewrite_ledger
