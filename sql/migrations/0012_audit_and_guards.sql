-- Where an audit begins, and more of what the database itself refuses: a settlement that does not follow from its own
-- numbers, a row of the ledger with the wrong sign, an event that changes after customers were told of it.

-- The planner sees through it, as long as it is plain SQL without settings of its own.
create or replace function batchctl_audited(since timestamptz) returns setof batch_jobs
language sql stable as $$
    select * from batch_jobs
    where
        since is null
        or completed_at >= since
        or next_step in ('claim', 'start', 'poll')
        or next_step in ('refuse', 'fill', 'settle', 'close', 'adopt')
        or hold_reason is not null
$$;

comment on function batchctl_audited(timestamptz) is
'The batches that an audit looks at: all (since is null), or those that ended since then, are open, or on hold.';

-- An event is signed and sent again and again under one webhook-id: whoever has seen it once has seen it.
create or replace function batchctl_keep_event() returns trigger
language plpgsql set search_path from current as $$
begin
    raise exception using
        errcode = 'integrity_constraint_violation',
        message = format('event %s says the same in every try: it is never changed', old.id);
end $$;

create or replace trigger batchctl_keep_event before update on webhook_deliveries
for each row when (
    (new.id, new.batch_job_id, new.event_type, new.body)
    is distinct from (old.id, old.batch_job_id, old.event_type, old.body)
) execute function batchctl_keep_event();

-- As in 0006, with more constraints, some of them for the ledger. One that old rows break exempts what is older than
-- itself.
create or replace function batchctl_constrain() returns table (kind text, broken bigint)
language plpgsql set search_path from current as $$
declare
    bound regclass;
    condition text;
begin
    lock table batch_jobs in access exclusive mode;
    lock table credit_ledger in access exclusive mode;
    for bound, kind, condition in
        select r.bound, r.name, r.condition
        from (
            values
            (
                'batch_jobs'::regclass,
                'batch_jobs_spent_within_frozen',
                'credits_spent between 0 and frozen_credits'
            ),
            (
                'batch_jobs',
                'batch_jobs_spent_when_settled',
                $sql$settlement_status <> 'pending' or credits_spent = 0$sql$
            ),
            (
                'batch_jobs',
                'batch_jobs_settled_when_finished',
                $sql$settlement_status = 'pending' or status in ('completed', 'partial', 'failed')$sql$
            ),
            ('batch_jobs', 'batch_jobs_frozen_when_claimed', $sql$status <> 'queued' or frozen_credits = 0$sql$),
            (
                'batch_jobs',
                'batch_jobs_successes_are_spent',
                $sql$settlement_status = 'pending' or credits_spent = success_count::numeric * cost_per_video$sql$
            ),
            (
                'batch_jobs',
                'batch_jobs_unspent_is_refunded',
                $sql$settlement_status = 'pending'
                or (settlement_status = 'refunded') = (credits_spent < frozen_credits)$sql$
            ),
            ('credit_ledger', 'credit_ledger_bucket_is_known', $sql$bucket in ('permanent', 'bonus')$sql$),
            ('credit_ledger', 'credit_ledger_balance_is_possible', 'balance_after >= 0'),
            (
                'credit_ledger',
                'credit_ledger_batch_rows_are_signed',
                $sql$case ref_type
                    when 'batch_upfront' then type = 'spend' and credits_delta < 0
                    when 'batch_refund' then type = 'refund' and credits_delta > 0
                    else true
                end$sql$
            )
        ) as r (bound, name, condition)
        where not exists (select from pg_constraint as c where c.conrelid = r.bound and c.conname = r.name)
    loop
        execute format('select count(*) from %s where not (%s)', bound, condition) into broken;
        if broken > 0 then
            condition := format('(%s) or created_at < %L', condition, clock_timestamp());
            return next;
        end if;
        execute format('alter table %s add constraint %I check (%s)', bound, kind, condition);
    end loop;
end $$;
comment on function batchctl_constrain() is
'Adds the constraints of batch_jobs and credit_ledger and names those that old rows break; on an adopted database, '
'when that is applied.';

do $$
begin
    if not exists (select from adoption where applied_at is null) then
        perform batchctl_constrain();
    end if;
end $$;
