-- Functions that run with the rights of their owner are for our triggers alone. Whoever may call one could hang it on a
-- table of their own, a temporary one is enough, and so change the counters of any batch.
--
-- A trigger fires for whoever writes, without a right to its function. The guards ask whether to refuse with the rights
-- of their owner as well, so that nobody needs a right for that question.

alter function batchctl_keep_verdict() security definer;
alter function batchctl_keep_settlement() security definer;
alter function batchctl_keep_ledger() security definer;

revoke execute on function
batchctl_count_tasks(), batchctl_refuse(text), batchctl_keep_verdict(), batchctl_keep_settlement(),
batchctl_keep_ledger()
from public;

-- The platform that serves tables to the world may have given its roles these functions, and sequences, by name. On a
-- database of our own it has given them batches and money too; where row policies say what each may do there, that is
-- somebody's will.
do $$
declare
    outsider name;
    open_relation regclass;
begin
    for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format(
            'revoke execute on function batchctl_count_tasks(), batchctl_refuse(text), batchctl_keep_verdict(), '
            'batchctl_keep_settlement(), batchctl_keep_ledger() from %I', outsider
        );
        execute format('revoke all on sequence runs_id_seq from %I', outsider);
        for open_relation in
            select c.oid from pg_class as c
            where
                not exists (select from adoption)
                and c.oid in (
                    'batch_jobs'::regclass, 'video_tasks'::regclass, 'credit_wallet'::regclass,
                    'credit_ledger'::regclass, 'credit_ledger_id_seq'::regclass
                )
                and not c.relrowsecurity
        loop
            execute format('revoke all on %s from %I', open_relation, outsider);
        end loop;
    end loop;
end $$;
