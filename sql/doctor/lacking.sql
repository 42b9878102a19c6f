-- Name the rights that a worker needs and the role has not.
-- Locks: nothing.
-- Again: names them again.
select n.relation, n.privilege
from (
    values
    ('batch_jobs', 'select'), ('batch_jobs', 'update'),
    ('video_tasks', 'select'), ('video_tasks', 'update'),
    ('credit_wallet', 'select'), ('credit_wallet', 'update'),
    ('credit_ledger', 'select'), ('credit_ledger', 'insert'),
    ('webhook_deliveries', 'select'), ('webhook_deliveries', 'insert'), ('webhook_deliveries', 'update'),
    ('delivery_attempts', 'select'), ('delivery_attempts', 'insert'), ('delivery_attempts', 'update'),
    ('late_results', 'insert'), ('late_looks', 'insert'), ('runs', 'insert'), ('account_breaker', 'insert'),
    ('webhook_endpoints', 'insert'), ('webhook_endpoints', 'update'), ('webhook_secrets', 'select'),
    ('pauses', 'select')
) as n (relation, privilege)
where not has_any_column_privilege(n.relation, n.privilege)
order by n.relation, n.privilege
