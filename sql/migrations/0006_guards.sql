-- What must never happen is refused by the database itself. On an adopted database, whose first worker may still run
-- and writes by id, the guards warn and leave the old row as it is; constraints come when adoption is applied.

create or replace function batchctl_keep_verdict() returns trigger
language plpgsql set search_path from current as $$
begin
    perform batchctl_refuse(format('task %s is %s and stays so', old.id, old.status));
    return null;
end $$;

create or replace trigger batchctl_keep_verdict before update on video_tasks
for each row when (
    old.status in ('succeeded', 'failed') and old.batch_job_id is not null
    and (new.status is distinct from old.status or new.batch_job_id is distinct from old.batch_job_id)
) execute function batchctl_keep_verdict();

create or replace function batchctl_keep_settlement() returns trigger
language plpgsql set search_path from current as $$
begin
    perform batchctl_refuse(format('batch %s is %s and %s and stays so', old.id, old.status, old.settlement_status));
    return null;
end $$;

-- What a batch came to is fixed by its settlement. One that ended before was refused, and is never settled; or it is of
-- the original worker and failed after it was paid for: then its settlement tells how it ended.
create or replace trigger batchctl_keep_settlement before update on batch_jobs
for each row when (
    (
        old.settlement_status <> 'pending'
        and (
            new.settlement_status,
            new.credits_spent,
            new.frozen_credits,
            new.cost_per_video,
            new.total_count,
            new.user_id
        ) is distinct from (
            old.settlement_status,
            old.credits_spent,
            old.frozen_credits,
            old.cost_per_video,
            old.total_count,
            old.user_id
        )
    )
    or (
        old.status in ('completed', 'partial', 'failed')
        and case
            when old.settlement_status <> 'pending'
                then
                    (new.status, new.success_count, new.failed_count)
                    is distinct from (old.status, old.success_count, old.failed_count)
            when old.frozen_credits > 0 and new.settlement_status <> 'pending' then false
            else (new.status, new.settlement_status) is distinct from (old.status, old.settlement_status)
        end
    )
) execute function batchctl_keep_settlement();

create or replace function batchctl_keep_ledger() returns trigger
language plpgsql set search_path from current as $$
begin
    perform batchctl_refuse('rows of credit_ledger are never changed or deleted: write a new row that corrects them');
    -- Refused or not: an adopted database deletes a user's ledger with the user, and must be able to.
    return case tg_op when 'DELETE' then old end;
end $$;

create or replace trigger batchctl_keep_ledger before update or delete on credit_ledger
for each row execute function batchctl_keep_ledger();

create or replace trigger batchctl_keep_ledger_whole before truncate on credit_ledger
for each statement execute function batchctl_keep_ledger();

-- A constraint that old rows of an adopted database break exempts what is older than itself: a check that is merely not
-- valid would refuse every later change of those rows.
create or replace function batchctl_constrain() returns table (kind text, broken bigint)
language plpgsql set search_path from current as $$
declare
    condition text;
begin
    lock table batch_jobs in access exclusive mode;
    for kind, condition in
        select r.name, r.condition
        from (
            values
            ('batch_jobs_spent_within_frozen', 'credits_spent between 0 and frozen_credits'),
            ('batch_jobs_spent_when_settled', $sql$settlement_status <> 'pending' or credits_spent = 0$sql$),
            (
                'batch_jobs_settled_when_finished',
                $sql$settlement_status = 'pending' or status in ('completed', 'partial', 'failed')$sql$
            ),
            ('batch_jobs_frozen_when_claimed', $sql$status <> 'queued' or frozen_credits = 0$sql$)
        ) as r (name, condition)
        where not exists (
            select from pg_constraint where conrelid = 'batch_jobs'::regclass and conname = r.name
        )
    loop
        execute format('select count(*) from batch_jobs where not (%s)', condition) into broken;
        if broken > 0 then
            condition := format('%s or created_at < %L', condition, clock_timestamp());
            return next;
        end if;
        execute format('alter table batch_jobs add constraint %I check (%s)', kind, condition);
    end loop;
end $$;
comment on function batchctl_constrain() is
'Adds the constraints of batch_jobs and names those that old rows break; on an adopted database, when that is applied.';

do $$
begin
    if not exists (select from adoption) then
        perform batchctl_constrain();
        create unique index video_tasks_remote_id on video_tasks (grsai_task_id)
        where grsai_task_id is not null and batch_job_id is not null;
    end if;
end $$;
