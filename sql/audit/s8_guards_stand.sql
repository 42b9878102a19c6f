-- What the database is to refuse it refuses: triggers, constraints and unique indexes are in place.
-- Locks: nothing.
-- Again: says it again.
with guard (kind, bound, name, is_there, stands) as (
    select 'trigger', g.bound, g.name, t.oid is not null, t.tgenabled in ('O', 'A')
    from (
        values
        ('video_tasks'::regclass, 'batchctl_count_inserted'),
        ('video_tasks', 'batchctl_count_updated'),
        ('video_tasks', 'batchctl_count_deleted'),
        ('video_tasks', 'batchctl_keep_verdict'),
        ('video_tasks', 'batchctl_keep_new_host'),
        ('video_tasks', 'batchctl_keep_provider_host'),
        ('batch_jobs', 'batchctl_keep_settlement'),
        ('batch_jobs', 'batchctl_announce_batch'),
        ('credit_ledger', 'batchctl_derive_bucket'),
        ('credit_ledger', 'batchctl_keep_ledger'),
        ('credit_ledger', 'batchctl_keep_ledger_whole'),
        ('webhook_deliveries', 'batchctl_keep_event')
    ) as g (bound, name)
    left join pg_trigger as t on g.bound = t.tgrelid and g.name = t.tgname
    union all
    select 'constraint', g.bound, g.name, c.oid is not null, true
    from (
        values
        ('batch_jobs'::regclass, 'batch_jobs_spent_within_frozen'),
        ('batch_jobs', 'batch_jobs_spent_when_settled'),
        ('batch_jobs', 'batch_jobs_settled_when_finished'),
        ('batch_jobs', 'batch_jobs_frozen_when_claimed'),
        ('batch_jobs', 'batch_jobs_successes_are_spent'),
        ('batch_jobs', 'batch_jobs_unspent_is_refunded'),
        ('credit_ledger', 'credit_ledger_bucket_is_known'),
        ('credit_ledger', 'credit_ledger_balance_is_possible'),
        ('credit_ledger', 'credit_ledger_batch_rows_are_signed')
    ) as g (bound, name)
    left join pg_constraint as c on g.bound = c.conrelid and g.name = c.conname
    -- An adopted database gets them when adoption is applied.
    where not exists (select from adoption as a where a.applied_at is null)
    union all
    select 'index', g.bound, g.name, i.relname is not null, i.indisvalid and i.indisunique
    from (
        values
        ('credit_ledger'::regclass, 'credit_ledger_batch_once'),
        ('video_tasks', 'video_tasks_remote_id'),
        ('webhook_deliveries', 'webhook_deliveries_batch_job_id_event_type_key')
    ) as g (bound, name)
    left join (
        select x.indrelid, c.relname, x.indisvalid, x.indisunique from pg_index as x
        inner join pg_class as c on x.indexrelid = c.oid
    ) as i on g.bound = i.indrelid and g.name = i.relname
    where g.name <> 'video_tasks_remote_id' or not exists (select from adoption as a where a.applied_at is null)
)

select
    g.kind,
    g.name as id,
    concat('on ', g.bound, case when g.is_there then ', out of order' else ', not there' end) as detail,
    count(*) over () as found
from guard as g
where not (g.is_there and g.stands)
order by g.kind desc, g.name
limit %(offender_limit)s
