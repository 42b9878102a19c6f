-- Say whether the role may prune.
-- Locks: nothing.
-- Again: says it again.
select
    has_table_privilege('runs', 'delete') and has_table_privilege('webhook_deliveries', 'delete')
    and has_table_privilege('late_results', 'delete') and has_table_privilege('pruned_history', 'insert') as may
