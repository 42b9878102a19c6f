-- Written by `make schema`.

CREATE FUNCTION public.batchctl_announce_batch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    if not exists (select from batch_jobs as b where b.next_step = 'claim' and b.id <> new.id) then
        notify batchctl_batch;
    end if;
    return null;
end $$;

CREATE TABLE public.batch_jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    total_count integer,
    cost_per_video bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    enqueued_at timestamp with time zone,
    webhook_url text,
    success_count integer DEFAULT 0 NOT NULL,
    failed_count integer DEFAULT 0 NOT NULL,
    frozen_credits bigint DEFAULT 0 NOT NULL,
    credits_spent bigint DEFAULT 0 NOT NULL,
    settlement_status text DEFAULT 'pending'::text NOT NULL,
    webhook_status text,
    webhook_attempts integer DEFAULT 0 NOT NULL,
    webhook_last_error text,
    webhook_last_sent_at timestamp with time zone,
    last_error text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    hold_reason text,
    task_count integer DEFAULT 0 NOT NULL,
    tasks_pending integer DEFAULT 0 NOT NULL,
    tasks_in_flight integer DEFAULT 0 NOT NULL,
    tasks_succeeded integer DEFAULT 0 NOT NULL,
    tasks_failed integer DEFAULT 0 NOT NULL,
    cancelled_at timestamp with time zone,
    retry_of uuid,
    next_step text GENERATED ALWAYS AS (
CASE
    WHEN (hold_reason IS NOT NULL) THEN NULL::text
    WHEN ((status = 'queued'::text) AND (frozen_credits <> 0)) THEN 'adopt'::text
    WHEN ((status = 'queued'::text) AND (COALESCE(total_count, 0) <= 0)) THEN 'refuse'::text
    WHEN ((status = 'queued'::text) AND (COALESCE(cost_per_video, ('-1'::integer)::bigint) < 0)) THEN 'refuse'::text
    WHEN ((status = 'queued'::text) AND (task_count > total_count)) THEN 'refuse'::text
    WHEN ((status = 'queued'::text) AND (task_count < total_count)) THEN 'fill'::text
    WHEN (status = 'queued'::text) THEN 'claim'::text
    WHEN ((status = 'processing'::text) AND (settlement_status <> 'pending'::text)) THEN 'adopt'::text
    WHEN ((status = 'processing'::text) AND (frozen_credits = 0) AND (total_count > 0) AND (cost_per_video > 0)) THEN 'adopt'::text
    WHEN ((status = 'processing'::text) AND (tasks_pending > 0) AND (cancelled_at IS NOT NULL)) THEN 'close'::text
    WHEN ((status = 'processing'::text) AND (tasks_pending > 0)) THEN 'start'::text
    WHEN ((status = 'processing'::text) AND (tasks_in_flight > 0)) THEN 'poll'::text
    WHEN ((status = 'processing'::text) AND ((tasks_succeeded + tasks_failed) < task_count)) THEN 'adopt'::text
    WHEN (status = 'processing'::text) THEN 'settle'::text
    WHEN ((status <> 'failed'::text) OR (settlement_status <> 'pending'::text)) THEN NULL::text
    WHEN (tasks_pending > 0) THEN 'close'::text
    WHEN (frozen_credits <= 0) THEN NULL::text
    WHEN (tasks_in_flight > 0) THEN 'poll'::text
    ELSE 'settle'::text
END) STORED,
    CONSTRAINT batch_jobs_frozen_when_claimed CHECK (((status <> 'queued'::text) OR (frozen_credits = 0))),
    CONSTRAINT batch_jobs_settled_when_finished CHECK (((settlement_status = 'pending'::text) OR (status = ANY (ARRAY['completed'::text, 'partial'::text, 'failed'::text])))),
    CONSTRAINT batch_jobs_settlement_status_check CHECK ((settlement_status = ANY (ARRAY['pending'::text, 'finalized'::text, 'refunded'::text]))),
    CONSTRAINT batch_jobs_spent_when_settled CHECK (((settlement_status <> 'pending'::text) OR (credits_spent = 0))),
    CONSTRAINT batch_jobs_spent_within_frozen CHECK (((credits_spent >= 0) AND (credits_spent <= frozen_credits))),
    CONSTRAINT batch_jobs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'processing'::text, 'completed'::text, 'partial'::text, 'failed'::text]))),
    CONSTRAINT batch_jobs_successes_are_spent CHECK (((settlement_status = 'pending'::text) OR ((credits_spent)::numeric = ((success_count)::numeric * (cost_per_video)::numeric)))),
    CONSTRAINT batch_jobs_unspent_is_refunded CHECK (((settlement_status = 'pending'::text) OR ((settlement_status = 'refunded'::text) = (credits_spent < frozen_credits)))),
    CONSTRAINT batch_jobs_webhook_status_check CHECK ((webhook_status = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'retrying'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02');

COMMENT ON COLUMN public.batch_jobs.hold_reason IS 'Set: no stage touches the batch until an operator releases it.';

COMMENT ON COLUMN public.batch_jobs.task_count IS 'Rows of video_tasks; kept by the trigger batchctl_count_tasks.';

COMMENT ON COLUMN public.batch_jobs.tasks_pending IS 'Tasks waiting to be sent; kept by the trigger.';

COMMENT ON COLUMN public.batch_jobs.tasks_in_flight IS 'Tasks in processing, those in doubt included; kept by the trigger.';

COMMENT ON COLUMN public.batch_jobs.tasks_succeeded IS 'Tasks that succeeded; kept by the trigger.';

COMMENT ON COLUMN public.batch_jobs.tasks_failed IS 'Tasks that failed; kept by the trigger.';

COMMENT ON COLUMN public.batch_jobs.cancelled_at IS 'Set: nothing of it is sent any more; what was sent is let finish.';

COMMENT ON COLUMN public.batch_jobs.retry_of IS 'The batch whose failed tasks this one repeats.';

COMMENT ON COLUMN public.batch_jobs.next_step IS 'refuse: malformed; fill: tasks are missing; claim; start: has pending tasks; poll: all sent; settle: all finished; close: failed or cancelled, its tasks are still to be failed; adopt: in a state of the original worker; null: nothing to do.';

CREATE FUNCTION public.batchctl_audited(since timestamp with time zone) RETURNS SETOF public.batch_jobs
    LANGUAGE sql STABLE
    AS $$
    select * from batch_jobs
    where
        since is null
        or completed_at >= since
        or next_step in ('claim', 'start', 'poll')
        or next_step in ('refuse', 'fill', 'settle', 'close', 'adopt')
        or hold_reason is not null
$$;

COMMENT ON FUNCTION public.batchctl_audited(since timestamp with time zone) IS 'The batches that an audit looks at: all (since is null), or those that ended since then, are open, or on hold.';

CREATE FUNCTION public.batchctl_constrain() RETURNS TABLE(kind text, broken bigint)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $_$
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
end $_$;

COMMENT ON FUNCTION public.batchctl_constrain() IS 'Adds the constraints of batch_jobs and credit_ledger and names those that old rows break; on an adopted database, when that is applied.';

CREATE FUNCTION public.batchctl_count_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    ids uuid[];
    added int[];
    pending int[];
    in_flight int[];
    succeeded int[];
    failed int[];
begin
    if tg_op = 'INSERT' then
        select array_agg(batch_job_id), array_agg(n), array_agg(p), array_agg(f), array_agg(s), array_agg(x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                batch_job_id,
                count(*) as n,
                count(*) filter (where status in ('pending', 'queued')) as p,
                count(*) filter (where status = 'processing') as f,
                count(*) filter (where status = 'succeeded') as s,
                count(*) filter (where status = 'failed') as x
            from new_rows
            where batch_job_id is not null
            group by batch_job_id
        ) as change;
    elsif tg_op = 'DELETE' then
        select array_agg(batch_job_id), array_agg(-n), array_agg(-p), array_agg(-f), array_agg(-s), array_agg(-x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                batch_job_id,
                count(*) as n,
                count(*) filter (where status in ('pending', 'queued')) as p,
                count(*) filter (where status = 'processing') as f,
                count(*) filter (where status = 'succeeded') as s,
                count(*) filter (where status = 'failed') as x
            from old_rows
            where batch_job_id is not null
            group by batch_job_id
        ) as change;
    else
        select array_agg(batch_job_id), array_agg(n), array_agg(p), array_agg(f), array_agg(s), array_agg(x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                m.batch_job_id,
                sum(m.one) as n,
                sum(m.one) filter (where m.status in ('pending', 'queued')) as p,
                sum(m.one) filter (where m.status = 'processing') as f,
                sum(m.one) filter (where m.status = 'succeeded') as s,
                sum(m.one) filter (where m.status = 'failed') as x
            from old_rows as o
            inner join new_rows as n on o.id = n.id
            cross join lateral (
                values (o.batch_job_id, o.status, -1), (n.batch_job_id, n.status, 1)
            ) as m (batch_job_id, status, one)
            where (o.status, o.batch_job_id) is distinct from (n.status, n.batch_job_id) and m.batch_job_id is not null
            group by m.batch_job_id
        ) as change;
    end if;
    if ids is null then
        return null;
    end if;
    perform from batch_jobs where id = any(ids) order by id for no key update;
    if exists (
        select from batch_jobs as b
        inner join unnest(ids, added) as c (id, n) on b.id = c.id
        where
            c.n > 0 and not (b.status = 'queued' or (b.status = 'failed' and b.settlement_status = 'pending'))
            and (b.status <> 'processing' or b.task_count + c.n > b.total_count)
    ) then
        perform batchctl_refuse('a batch that was claimed takes no more tasks than it was to have: enqueue a new one');
    end if;
    update batch_jobs as b
    set
        task_count = b.task_count + coalesce(c.n, 0),
        tasks_pending = b.tasks_pending + coalesce(c.p, 0),
        tasks_in_flight = b.tasks_in_flight + coalesce(c.f, 0),
        tasks_succeeded = b.tasks_succeeded + coalesce(c.s, 0),
        tasks_failed = b.tasks_failed + coalesce(c.x, 0)
    from unnest(ids, added, pending, in_flight, succeeded, failed) as c (id, n, p, f, s, x)
    where b.id = c.id and b.id = any(ids);
    return null;
end $$;

CREATE FUNCTION public.batchctl_derive_bucket() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    new.bucket := case
        when new.meta ->> 'use_bonus' = 'true' or new.meta ->> 'refund_to' = 'bonus' then 'bonus'
        when new.meta ->> 'use_permanent' = 'true' or new.meta ->> 'refund_to' = 'permanent' then 'permanent'
        when new.ref_type = 'bonus_credits' or new.type = 'bonus_grant' then 'bonus'
        else 'permanent'
    end;
    return new;
end $$;

CREATE FUNCTION public.batchctl_keep_event() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    raise exception using
        errcode = 'integrity_constraint_violation',
        message = format('event %s says the same in every try: it is never changed', old.id);
end $$;

CREATE FUNCTION public.batchctl_keep_ledger() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    perform batchctl_refuse('rows of credit_ledger are never changed or deleted: write a new row that corrects them');
    -- Refused or not: an adopted database deletes a user's ledger with the user, and must be able to.
    return case tg_op when 'DELETE' then old end;
end $$;

CREATE FUNCTION public.batchctl_keep_private(VARIADIC private_tables regclass[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    outsider name;
    private_table regclass;
begin
    for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        foreach private_table in array private_tables loop
            execute format('revoke all on %s from %I', private_table, outsider);
        end loop;
    end loop;
end $$;

COMMENT ON FUNCTION public.batchctl_keep_private(VARIADIC private_tables regclass[]) IS 'Takes back what default privileges gave on new tables to the roles with which the world may come.';

CREATE FUNCTION public.batchctl_keep_provider_host() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    -- The rights of whoever writes, for the function has no others: only workers may insert here.
    if not has_any_column_privilege('runs', 'insert') then
        new.provider_host := case when tg_op = 'UPDATE' then old.provider_host end;
    end if;
    return new;
end $$;

CREATE FUNCTION public.batchctl_keep_settlement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    perform batchctl_refuse(format('batch %s is %s and %s and stays so', old.id, old.status, old.settlement_status));
    return null;
end $$;

CREATE FUNCTION public.batchctl_keep_verdict() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    perform batchctl_refuse(format('task %s is %s and stays so', old.id, old.status));
    return null;
end $$;

CREATE FUNCTION public.batchctl_refuse(what text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    if exists (select from adoption where applied_at is null) then
        raise warning '%', what;
    else
        raise exception using errcode = 'integrity_constraint_violation', message = what;
    end if;
end $$;

COMMENT ON FUNCTION public.batchctl_refuse(what text) IS 'Refuses what a guard found; on an adopted database it warns until adoption is applied.';

CREATE FUNCTION public.batchctl_signing_secrets(p_batch_id uuid, p_url text, p_at timestamp with time zone) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select
        coalesce(
            own.secrets,
            array(
                select f.secret from get_enterprise_webhook_for_batch(p_batch_id) as f
                -- What is sealed belongs to the address that it comes with.
                where f.secret <> '' and (f.url = p_url or not starts_with(f.secret, 'sealed:'))
            )
        )
    from (
        select array_agg(s.sealed order by s.expires_at nulls last, s.created_at, s.id) as secrets
        from batch_jobs as b
        inner join webhook_endpoints as e on b.user_id = e.user_id and e.url = p_url
        inner join webhook_secrets as s on e.id = s.endpoint_id and (s.expires_at is null or s.expires_at > p_at)
        where b.id = p_batch_id
    ) as own
$$;

COMMENT ON FUNCTION public.batchctl_signing_secrets(p_batch_id uuid, p_url text, p_at timestamp with time zone) IS 'The secrets in force that sign for a batch''s events at an address, those that expire first; none: the default one.';

CREATE FUNCTION public.get_enterprise_webhook_for_batch(p_batch_id uuid) RETURNS TABLE(url text, secret text)
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
            select b.webhook_url, s.sealed
            from batch_jobs as b
            left join webhook_endpoints as e on b.user_id = e.user_id and b.webhook_url = e.url
            left join webhook_secrets as s on e.id = s.endpoint_id and (s.expires_at is null or s.expires_at > now())
            where b.id = p_batch_id
            order by s.expires_at nulls last, s.created_at, s.id
        $$;

COMMENT ON FUNCTION public.get_enterprise_webhook_for_batch(p_batch_id uuid) IS 'Where a batch''s customer wants to be told and with which secrets, a row for each in force, the one that expires first at the top, sealed as they are kept; null: then ENTERPRISE_WEBHOOK_SECRET.';

CREATE TABLE public.account_breaker (
    provider_host text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    probe_at timestamp with time zone NOT NULL,
    probe_count integer DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.account_breaker IS 'A row for each provider that refuses our account; it goes with the first task that is judged by itself.';

COMMENT ON COLUMN public.account_breaker.probe_at IS 'When one task may be tried; who moves it on tries it.';

CREATE TABLE public.adopted_wallets (
    user_id uuid NOT NULL,
    unexplained_credits bigint NOT NULL
);

COMMENT ON TABLE public.adopted_wallets IS 'What a wallet held beyond the sum of its ledger when its database was adopted; wallets that agreed have no row.';

CREATE TABLE public.adoption (
    singleton boolean DEFAULT true NOT NULL,
    adopted_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_at timestamp with time zone,
    CONSTRAINT adoption_singleton_check CHECK (singleton)
);

COMMENT ON TABLE public.adoption IS 'One row if the tables were made by the original worker. Until applied_at is set the guards warn instead of refusing.';

CREATE TABLE public.batch_requests (
    user_id uuid NOT NULL,
    request_id text NOT NULL,
    batch_job_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.batch_requests IS 'The idempotency keys under which customers enqueued batches.';

CREATE TABLE public.batchctl_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

CREATE TABLE public.credit_ledger (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    type text NOT NULL,
    model text,
    credits_delta bigint NOT NULL,
    ref_type text,
    ref_id text,
    meta jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    bucket text,
    balance_after bigint,
    CONSTRAINT credit_ledger_balance_is_possible CHECK ((balance_after >= 0)),
    CONSTRAINT credit_ledger_batch_rows_are_signed CHECK (
CASE ref_type
    WHEN 'batch_upfront'::text THEN ((type = 'spend'::text) AND (credits_delta < 0))
    WHEN 'batch_refund'::text THEN ((type = 'refund'::text) AND (credits_delta > 0))
    ELSE true
END),
    CONSTRAINT credit_ledger_bucket_is_known CHECK ((bucket = ANY (ARRAY['permanent'::text, 'bonus'::text]))),
    CONSTRAINT credit_ledger_type_check CHECK ((type = ANY (ARRAY['purchase'::text, 'bonus_grant'::text, 'spend'::text, 'refund'::text, 'adjust'::text])))
);

COMMENT ON COLUMN public.credit_ledger.bucket IS 'permanent or bonus; null for rows older than this column.';

COMMENT ON COLUMN public.credit_ledger.balance_after IS 'The bucket after this row, where batchctl wrote it.';

CREATE SEQUENCE public.credit_ledger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.credit_ledger_id_seq OWNED BY public.credit_ledger.id;

CREATE TABLE public.credit_wallet (
    user_id uuid NOT NULL,
    permanent_credits bigint DEFAULT 0 NOT NULL,
    bonus_credits bigint DEFAULT 0 NOT NULL,
    bonus_expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT credit_wallet_bonus_credits_check CHECK ((bonus_credits >= 0)),
    CONSTRAINT credit_wallet_permanent_credits_check CHECK ((permanent_credits >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.delivery_attempts (
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms integer,
    status_code integer,
    error text,
    by_operator boolean DEFAULT false NOT NULL,
    answer text
);

COMMENT ON TABLE public.delivery_attempts IS 'Every try. Without a duration: under way, or its worker died with it.';

COMMENT ON COLUMN public.delivery_attempts.by_operator IS 'An operator asked for it: no step of the schedule.';

COMMENT ON COLUMN public.delivery_attempts.answer IS 'How the receiver''s answer begins, without what could do harm.';

CREATE TABLE public.late_looks (
    task_id uuid NOT NULL,
    next_look_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.late_looks IS 'Tasks failed by a limit, looked at again for a while in case a result comes late.';

CREATE TABLE public.late_results (
    task_id uuid NOT NULL,
    grsai_task_id text NOT NULL,
    video_url text,
    seen_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.late_results IS 'What the provider delivered after the task had been failed; never charged.';

CREATE TABLE public.operator_actions (
    id uuid NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    os_user text NOT NULL,
    host text NOT NULL,
    command text NOT NULL,
    arguments jsonb DEFAULT '{}'::jsonb NOT NULL,
    reason text,
    matched_count integer DEFAULT 0 NOT NULL,
    changed_count integer DEFAULT 0 NOT NULL,
    credits bigint DEFAULT 0 NOT NULL,
    outcome text DEFAULT 'running'::text NOT NULL,
    error text,
    CONSTRAINT operator_actions_end CHECK (((ended_at IS NULL) = (outcome = 'running'::text))),
    CONSTRAINT operator_actions_outcome CHECK ((outcome = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text, 'interrupted'::text])))
);

COMMENT ON TABLE public.operator_actions IS 'A row for each command that an operator changed something with; one that stays running was killed.';

COMMENT ON COLUMN public.operator_actions.arguments IS 'What was said on the command line, without secrets.';

COMMENT ON COLUMN public.operator_actions.credits IS 'What it moved, froze or will give back, in all.';

CREATE TABLE public.pauses (
    stage text NOT NULL,
    paused_at timestamp with time zone NOT NULL,
    os_user text NOT NULL,
    host text NOT NULL,
    reason text NOT NULL,
    resumed_at timestamp with time zone,
    CONSTRAINT pauses_stage CHECK ((stage = ANY (ARRAY['dispatch'::text, 'poll'::text, 'settle'::text, 'webhook'::text])))
);

COMMENT ON TABLE public.pauses IS 'A row for each stage that was ever paused, by whom, and why: its last pause, which lasts while resumed_at is null.';

COMMENT ON COLUMN public.pauses.resumed_at IS 'What passed its deadline before then, for nobody worked on it, is tried once more before it fails.';

CREATE TABLE public.pruned_history (
    singleton boolean DEFAULT true NOT NULL,
    ended_before timestamp with time zone NOT NULL,
    pruned_at timestamp with time zone NOT NULL,
    CONSTRAINT pruned_history_singleton_check CHECK (singleton)
);

COMMENT ON TABLE public.pruned_history IS 'Events of batches that ended before then may be gone: batchctl prune deleted those that were delivered or given up.';

CREATE TABLE public.runs (
    id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms bigint NOT NULL,
    host text NOT NULL,
    process_id integer NOT NULL,
    exit_code integer NOT NULL,
    report jsonb NOT NULL,
    pass_id uuid
);

COMMENT ON TABLE public.runs IS 'One row a pass with work; report is what run-once --json prints for that pass.';

COMMENT ON COLUMN public.runs.pass_id IS 'What the lines of the log carry; null where the pass is older than this column.';

ALTER TABLE public.runs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.video_tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    batch_job_id uuid,
    batch_index integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    duration integer,
    model text DEFAULT 'sora-2'::text,
    prompt text,
    reference_url text,
    aspect_ratio text,
    size text,
    meta jsonb,
    video_url text,
    error_message text,
    failure_reason text,
    failure_type text,
    completed_at timestamp with time zone,
    status text DEFAULT 'pending'::text NOT NULL,
    grsai_task_id text,
    last_error text,
    attempts integer DEFAULT 0 NOT NULL,
    next_retry_at timestamp with time zone,
    progress integer,
    poll_count integer DEFAULT 0 NOT NULL,
    last_poll_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    next_poll_at timestamp with time zone,
    poll_errors integer DEFAULT 0 NOT NULL,
    submit_errors integer DEFAULT 0 NOT NULL,
    submit_defers integer DEFAULT 0 NOT NULL,
    resubmits integer DEFAULT 0 NOT NULL,
    first_attempt_at timestamp with time zone,
    claimed_at timestamp with time zone,
    unknown_since timestamp with time zone,
    blocked_by text,
    provider_host text,
    video_url_seen_at timestamp with time zone,
    hold_reason text,
    retry_of uuid,
    CONSTRAINT video_tasks_progress_check CHECK (((progress >= 0) AND (progress <= 100))),
    CONSTRAINT video_tasks_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'queued'::text, 'processing'::text, 'succeeded'::text, 'failed'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02');

COMMENT ON COLUMN public.video_tasks.attempts IS 'Every submission tried; also the fencing token of the claim for sending.';

COMMENT ON COLUMN public.video_tasks.next_poll_at IS 'When the task may be asked next, null = now. The only clock of polling.';

COMMENT ON COLUMN public.video_tasks.submit_errors IS 'Answers 500, 502, 503 to it; limited by BATCH_MAX_SUBMIT_ATTEMPTS.';

COMMENT ON COLUMN public.video_tasks.submit_defers IS 'Submissions surely not accepted; chooses the step of the wait.';

COMMENT ON COLUMN public.video_tasks.resubmits IS 'Repeated after an unknown outcome (policy resubmit: once at most).';

COMMENT ON COLUMN public.video_tasks.first_attempt_at IS 'First claim for sending, or first poll of what another worker sent; BATCH_TASK_DEADLINE_SECONDS counts from here.';

COMMENT ON COLUMN public.video_tasks.claimed_at IS 'Last claim for sending; without a provider id it grows into an orphan.';

COMMENT ON COLUMN public.video_tasks.unknown_since IS 'Since when nobody knows whether the provider accepted it.';

COMMENT ON COLUMN public.video_tasks.blocked_by IS 'The failure type if it never gets through; set while it is deferred.';

COMMENT ON COLUMN public.video_tasks.provider_host IS 'Where it was submitted; polled there whatever GRSAI_HOST says now.';

COMMENT ON COLUMN public.video_tasks.video_url_seen_at IS 'When the link was received; the provider keeps it about 2 hours.';

COMMENT ON COLUMN public.video_tasks.hold_reason IS 'Set: no stage touches the task until an operator releases it.';

COMMENT ON COLUMN public.video_tasks.retry_of IS 'The failed task that this one repeats.';

CREATE TABLE public.webhook_deliveries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    batch_job_id uuid NOT NULL,
    event_type text NOT NULL,
    url text NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    last_status_code integer,
    last_error text,
    delivered_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'retrying'::text])))
)
WITH (fillfactor='70');

COMMENT ON TABLE public.webhook_deliveries IS 'One row an event; its id is the webhook-id, the same in every try and resend.';

COMMENT ON COLUMN public.webhook_deliveries.body IS 'The exact text that is signed and sent.';

COMMENT ON COLUMN public.webhook_deliveries.next_attempt_at IS 'When it is due; during a try, when that is given up.';

CREATE TABLE public.webhook_endpoints (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    url text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    failing_since timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    disabled_by text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_endpoints_check CHECK (((disabled_at IS NULL) = (disabled_reason IS NULL))),
    CONSTRAINT webhook_endpoints_url_check CHECK (((octet_length(url) >= 1) AND (octet_length(url) <= 2048)))
);

COMMENT ON TABLE public.webhook_endpoints IS 'A customer and an address that webhooks are sent to.';

COMMENT ON COLUMN public.webhook_endpoints.failing_since IS 'Every try since then failed; null: the last one was taken.';

COMMENT ON COLUMN public.webhook_endpoints.disabled_at IS 'Set: its events are kept and not sent until it is enabled.';

COMMENT ON COLUMN public.webhook_endpoints.updated_at IS 'When it was changed, or failed last, to the hour.';

CREATE TABLE public.webhook_secrets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    endpoint_id uuid NOT NULL,
    sealed text NOT NULL,
    fingerprint text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT webhook_secrets_sealed_check CHECK (starts_with(sealed, 'sealed:'::text))
);

COMMENT ON TABLE public.webhook_secrets IS 'Each event for an endpoint is signed with every secret of it that is in force.';

COMMENT ON COLUMN public.webhook_secrets.sealed IS 'Encrypted by ENTERPRISE_WEBHOOK_SECRETS_KEY, which is never in a table.';

COMMENT ON COLUMN public.webhook_secrets.fingerprint IS 'Tells secrets apart and says nothing of them.';

ALTER TABLE ONLY public.credit_ledger ALTER COLUMN id SET DEFAULT nextval('public.credit_ledger_id_seq'::regclass);

ALTER TABLE ONLY public.account_breaker
    ADD CONSTRAINT account_breaker_pkey PRIMARY KEY (provider_host);

ALTER TABLE ONLY public.adopted_wallets
    ADD CONSTRAINT adopted_wallets_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.adoption
    ADD CONSTRAINT adoption_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.batch_jobs
    ADD CONSTRAINT batch_jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.batch_requests
    ADD CONSTRAINT batch_requests_pkey PRIMARY KEY (user_id, request_id);

ALTER TABLE ONLY public.batchctl_migrations
    ADD CONSTRAINT batchctl_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.credit_ledger
    ADD CONSTRAINT credit_ledger_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.credit_wallet
    ADD CONSTRAINT credit_wallet_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_pkey PRIMARY KEY (delivery_id, attempt);

ALTER TABLE ONLY public.late_looks
    ADD CONSTRAINT late_looks_pkey PRIMARY KEY (task_id);

ALTER TABLE ONLY public.late_results
    ADD CONSTRAINT late_results_pkey PRIMARY KEY (task_id);

ALTER TABLE ONLY public.operator_actions
    ADD CONSTRAINT operator_actions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (stage);

ALTER TABLE ONLY public.pruned_history
    ADD CONSTRAINT pruned_history_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.video_tasks
    ADD CONSTRAINT video_tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_batch_job_id_event_type_key UNIQUE (batch_job_id, event_type);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_user_id_url_key UNIQUE (user_id, url);

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_pkey PRIMARY KEY (id);

CREATE INDEX batch_jobs_due_by_age ON public.batch_jobs USING btree (next_step, created_at, id) WHERE (next_step = ANY (ARRAY['refuse'::text, 'fill'::text, 'settle'::text, 'close'::text, 'adopt'::text]));

CREATE INDEX batch_jobs_due_by_customer ON public.batch_jobs USING btree (next_step, user_id, created_at, id) WHERE (next_step = ANY (ARRAY['claim'::text, 'start'::text, 'poll'::text]));

CREATE INDEX batch_jobs_ended ON public.batch_jobs USING btree (completed_at) WHERE (completed_at IS NOT NULL);

CREATE INDEX batch_jobs_held ON public.batch_jobs USING btree (id) WHERE (hold_reason IS NOT NULL);

CREATE INDEX batch_jobs_of_customer ON public.batch_jobs USING btree (user_id, status, created_at DESC);

CREATE INDEX batch_jobs_retries ON public.batch_jobs USING btree (retry_of) WHERE (retry_of IS NOT NULL);

CREATE INDEX batch_requests_of_batch ON public.batch_requests USING btree (batch_job_id);

CREATE UNIQUE INDEX credit_ledger_adjust_once ON public.credit_ledger USING btree (user_id, ref_id) WHERE (ref_type = 'wallet_adjust'::text);

CREATE UNIQUE INDEX credit_ledger_batch_once ON public.credit_ledger USING btree (ref_id, ref_type, bucket) WHERE (ref_type = ANY (ARRAY['batch_upfront'::text, 'batch_refund'::text]));

CREATE INDEX credit_ledger_by_time ON public.credit_ledger USING brin (created_at) WITH (autosummarize='on');

CREATE UNIQUE INDEX credit_ledger_grant_once ON public.credit_ledger USING btree (user_id, ref_id) WHERE (ref_type = 'wallet_grant'::text);

CREATE INDEX delivery_attempts_started ON public.delivery_attempts USING btree (started_at);

CREATE INDEX idx_batch_jobs_status_created ON public.batch_jobs USING btree (status, created_at DESC);

CREATE INDEX idx_credit_ledger_user_id ON public.credit_ledger USING btree (user_id, created_at DESC);

CREATE INDEX idx_video_tasks_poll_tracking ON public.video_tasks USING btree (batch_job_id) WHERE ((status = 'processing'::text) AND (grsai_task_id IS NOT NULL) AND (hold_reason IS NULL));

CREATE INDEX late_looks_due ON public.late_looks USING btree (next_look_at);

CREATE INDEX operator_actions_began ON public.operator_actions USING btree (began_at DESC);

CREATE INDEX video_tasks_deferred ON public.video_tasks USING btree (first_attempt_at) WHERE ((status = ANY (ARRAY['pending'::text, 'queued'::text])) AND (first_attempt_at IS NOT NULL) AND (batch_job_id IS NOT NULL) AND (hold_reason IS NULL));

CREATE INDEX video_tasks_finished ON public.video_tasks USING btree (completed_at) WHERE ((status = ANY (ARRAY['succeeded'::text, 'failed'::text])) AND (batch_job_id IS NOT NULL));

CREATE INDEX video_tasks_held ON public.video_tasks USING btree (status, id) WHERE (hold_reason IS NOT NULL);

CREATE INDEX video_tasks_of_batch ON public.video_tasks USING btree (batch_job_id, batch_index);

CREATE INDEX video_tasks_pending ON public.video_tasks USING btree (batch_job_id, next_retry_at, batch_index) WHERE ((status = ANY (ARRAY['pending'::text, 'queued'::text])) AND (batch_job_id IS NOT NULL) AND (hold_reason IS NULL));

CREATE UNIQUE INDEX video_tasks_remote_id ON public.video_tasks USING btree (grsai_task_id) WHERE ((grsai_task_id IS NOT NULL) AND (batch_job_id IS NOT NULL));

CREATE INDEX video_tasks_unsent ON public.video_tasks USING btree (claimed_at) WHERE ((status = 'processing'::text) AND (grsai_task_id IS NULL) AND (batch_job_id IS NOT NULL) AND (hold_reason IS NULL));

CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (next_attempt_at, id) WHERE ((status = ANY (ARRAY['pending'::text, 'retrying'::text])) AND (next_attempt_at IS NOT NULL));

CREATE INDEX webhook_deliveries_set_aside ON public.webhook_deliveries USING btree (created_at, id) WHERE ((status = 'retrying'::text) AND (next_attempt_at IS NULL));

CREATE INDEX webhook_deliveries_written ON public.webhook_deliveries USING btree (status, created_at, id);

CREATE INDEX webhook_secrets_of_endpoint ON public.webhook_secrets USING btree (endpoint_id);

CREATE TRIGGER batchctl_announce_batch AFTER UPDATE ON public.batch_jobs FOR EACH ROW WHEN (((new.next_step = 'claim'::text) AND (old.next_step IS DISTINCT FROM 'claim'::text))) EXECUTE FUNCTION public.batchctl_announce_batch();

CREATE TRIGGER batchctl_count_deleted AFTER DELETE ON public.video_tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.batchctl_count_tasks();

CREATE TRIGGER batchctl_count_inserted AFTER INSERT ON public.video_tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.batchctl_count_tasks();

CREATE TRIGGER batchctl_count_updated AFTER UPDATE ON public.video_tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.batchctl_count_tasks();

CREATE TRIGGER batchctl_derive_bucket BEFORE INSERT ON public.credit_ledger FOR EACH ROW WHEN ((new.bucket IS NULL)) EXECUTE FUNCTION public.batchctl_derive_bucket();

CREATE TRIGGER batchctl_keep_event BEFORE UPDATE ON public.webhook_deliveries FOR EACH ROW WHEN (((((new.id IS DISTINCT FROM old.id) OR (new.batch_job_id IS DISTINCT FROM old.batch_job_id)) OR (new.event_type IS DISTINCT FROM old.event_type)) OR (new.body IS DISTINCT FROM old.body))) EXECUTE FUNCTION public.batchctl_keep_event();

CREATE TRIGGER batchctl_keep_ledger BEFORE DELETE OR UPDATE ON public.credit_ledger FOR EACH ROW EXECUTE FUNCTION public.batchctl_keep_ledger();

CREATE TRIGGER batchctl_keep_ledger_whole BEFORE TRUNCATE ON public.credit_ledger FOR EACH STATEMENT EXECUTE FUNCTION public.batchctl_keep_ledger();

CREATE TRIGGER batchctl_keep_new_host BEFORE INSERT ON public.video_tasks FOR EACH ROW WHEN ((new.provider_host IS NOT NULL)) EXECUTE FUNCTION public.batchctl_keep_provider_host();

CREATE TRIGGER batchctl_keep_provider_host BEFORE UPDATE ON public.video_tasks FOR EACH ROW WHEN ((new.provider_host IS DISTINCT FROM old.provider_host)) EXECUTE FUNCTION public.batchctl_keep_provider_host();

CREATE TRIGGER batchctl_keep_settlement BEFORE UPDATE ON public.batch_jobs FOR EACH ROW WHEN ((((old.settlement_status <> 'pending'::text) AND ((((((new.settlement_status IS DISTINCT FROM old.settlement_status) OR (new.credits_spent IS DISTINCT FROM old.credits_spent)) OR (new.frozen_credits IS DISTINCT FROM old.frozen_credits)) OR (new.cost_per_video IS DISTINCT FROM old.cost_per_video)) OR (new.total_count IS DISTINCT FROM old.total_count)) OR (new.user_id IS DISTINCT FROM old.user_id))) OR ((old.status = ANY (ARRAY['completed'::text, 'partial'::text, 'failed'::text])) AND
        CASE
            WHEN (old.settlement_status <> 'pending'::text) THEN (((new.status IS DISTINCT FROM old.status) OR (new.success_count IS DISTINCT FROM old.success_count)) OR (new.failed_count IS DISTINCT FROM old.failed_count))
            WHEN ((old.frozen_credits > 0) AND (new.settlement_status <> 'pending'::text)) THEN false
            ELSE ((new.status IS DISTINCT FROM old.status) OR (new.settlement_status IS DISTINCT FROM old.settlement_status))
        END))) EXECUTE FUNCTION public.batchctl_keep_settlement();

CREATE TRIGGER batchctl_keep_verdict BEFORE UPDATE ON public.video_tasks FOR EACH ROW WHEN (((old.status = ANY (ARRAY['succeeded'::text, 'failed'::text])) AND (old.batch_job_id IS NOT NULL) AND ((new.status IS DISTINCT FROM old.status) OR (new.batch_job_id IS DISTINCT FROM old.batch_job_id)))) EXECUTE FUNCTION public.batchctl_keep_verdict();

ALTER TABLE ONLY public.batch_requests
    ADD CONSTRAINT batch_requests_batch_job_id_fkey FOREIGN KEY (batch_job_id) REFERENCES public.batch_jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES public.webhook_deliveries(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.late_looks
    ADD CONSTRAINT late_looks_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.video_tasks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.late_results
    ADD CONSTRAINT late_results_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.video_tasks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.video_tasks
    ADD CONSTRAINT video_tasks_batch_job_id_fkey FOREIGN KEY (batch_job_id) REFERENCES public.batch_jobs(id);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_batch_job_id_fkey FOREIGN KEY (batch_job_id) REFERENCES public.batch_jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES public.webhook_endpoints(id) ON DELETE CASCADE;
