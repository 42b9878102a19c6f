-- Name the functions that run with their owner's rights, write what is ours, and may be called by everybody or by a
-- platform's visitors: the original worker's, which believe what their caller says, and any other.
-- Locks: nothing.
-- Again: names them again.
select
    f.function_name,
    f.is_original,
    coalesce(min(s.name) filter (where s.name = 'public'), string_agg(s.name, ', ' order by s.name)) as open_to
from (
    select
        p.oid as id,
        p.oid::regprocedure::text as function_name,
        p.proname in ('claim_batch_jobs', 'freeze_credits_for_batch', 'finalize_batch_credits') as is_original,
        p.prosrc
    from pg_proc as p
    where
        p.prosecdef
        and p.prorettype <> 'trigger'::regtype
        and p.pronamespace = (select c.relnamespace from pg_class as c where c.oid = 'batch_jobs'::regclass)
) as f
cross join (values ('public'), ('anon'), ('authenticated')) as s (name)
where
    case
        when s.name = 'public' or exists (select from pg_roles as r where r.rolname = s.name)
            then has_function_privilege(s.name, f.id, 'execute')
        else false
    end
    and (
        f.is_original
        or f.prosrc
        ~* '\m(insert\s+into|update|delete\s+from)\s+(\w+\.)?(batch_jobs|video_tasks|credit_wallet|credit_ledger)\M'
    )
group by f.function_name, f.is_original
order by f.is_original desc, f.function_name
