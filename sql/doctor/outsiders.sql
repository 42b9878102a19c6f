-- Name the roles, besides the owner's and the worker's, that may write states or money: whoever can fail tasks of its
-- own is refunded for them.
-- Locks: nothing.
-- Again: names them again.
with watched as (
    select
        w.relation,
        w.relation::regclass as id,
        w.privilege,
        w.column_name
    from (
        values
        ('batch_jobs', 'update', 'status'), ('batch_jobs', 'update', 'settlement_status'),
        ('batch_jobs', 'update', 'frozen_credits'), ('batch_jobs', 'update', 'credits_spent'),
        ('batch_jobs', 'update', 'cost_per_video'), ('batch_jobs', 'update', 'total_count'),
        ('video_tasks', 'update', 'status'), ('video_tasks', 'update', 'grsai_task_id'),
        ('credit_wallet', 'update', 'permanent_credits'), ('credit_wallet', 'update', 'bonus_credits'),
        ('credit_wallet', 'update', 'bonus_expires_at'), ('credit_wallet', 'insert', 'permanent_credits'),
        ('credit_ledger', 'insert', 'credits_delta'), ('credit_ledger', 'update', 'credits_delta')
    ) as w (relation, privilege, column_name)
),

someone as (
    select 'public' as name, null::oid as id
    union all
    select r.rolname::text, r.oid from pg_roles as r
    where
        not r.rolsuper
        and r.rolname <> current_user
        and r.rolname not like 'pg\_%%'
        and not exists (
            select from pg_roles as ours
            where ours.rolname in ('batch_worker', 'batch_operator') and pg_has_role(r.oid, ours.oid, 'usage')
        )
)

select
    s.name as role_name,
    w.relation,
    w.privilege,
    string_agg(w.column_name, ', ' order by w.column_name) as columns
from someone as s
cross join watched as w
inner join pg_class as c on w.id = c.oid
where
    has_column_privilege(s.name, w.id, w.column_name, w.privilege)
    and (
        s.id is null
        -- What everybody may is said once.
        or (
            not pg_has_role(s.id, c.relowner, 'usage')
            and not has_column_privilege('public', w.id, w.column_name, w.privilege)
        )
    )
group by s.name, w.relation, w.privilege
order by s.name, w.relation, w.privilege
