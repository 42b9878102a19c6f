-- The original worker's functions move money with their owner's rights, for whatever batch and user their caller names,
-- and everybody may call them. Once that worker is stopped nobody has to. Who was given the right by name keeps it,
-- save the roles in which the platform that serves tables to the world lets its visitors in.
do $$
declare
    original regprocedure;
    outsider name;
begin
    for original in
        select p.oid from pg_proc as p
        where
            p.pronamespace = current_schema()::regnamespace
            and p.prosecdef
            and p.proname in ('claim_batch_jobs', 'freeze_credits_for_batch', 'finalize_batch_credits')
    loop
        execute format('revoke execute on function %s from public', original);
        for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke execute on function %s from %I', original, outsider);
        end loop;
    end loop;
end $$;
