-- Customers' webhook endpoints: the secrets that sign for each, and whether it is disabled.
--
-- An endpoint is a customer and an address. It has a row when an operator added a secret of its own, or when a try
-- failed there; all others are signed for with the default secret, as before.

create table webhook_endpoints (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    -- The key below takes no longer ones, and the rules for addresses allow none.
    url text not null check (octet_length(url) between 1 and 2048),
    created_at timestamptz not null default now(),
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    disabled_by text,
    updated_at timestamptz not null default now(),
    unique (user_id, url),
    check ((disabled_at is null) = (disabled_reason is null))
);
comment on table webhook_endpoints is 'A customer and an address that webhooks are sent to.';
comment on column webhook_endpoints.failing_since is 'Every try since then failed; null: the last one was taken.';
comment on column webhook_endpoints.updated_at is 'When it was changed, or failed last, to the hour.';
comment on column webhook_endpoints.disabled_at is 'Set: its events are kept and not sent until it is enabled.';

create table webhook_secrets (
    id uuid primary key default gen_random_uuid(),
    endpoint_id uuid not null references webhook_endpoints (id) on delete cascade,
    sealed text not null check (starts_with(sealed, 'sealed:')),
    fingerprint text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz
);
comment on table webhook_secrets is 'Each event for an endpoint is signed with every secret of it that is in force.';
comment on column webhook_secrets.sealed is 'Encrypted by ENTERPRISE_WEBHOOK_SECRETS_KEY, which is never in a table.';
comment on column webhook_secrets.fingerprint is 'Tells secrets apart and says nothing of them.';

-- The table is new and empty, so that nobody waits.
-- squawk-ignore require-concurrent-index-creation
create index webhook_secrets_of_endpoint on webhook_secrets (endpoint_id);

select batchctl_keep_private('webhook_endpoints', 'webhook_secrets');

-- The function of 0003 learns of secrets. One that others wrote stays as it is (it may know its own): what is sent by
-- batchctl is signed with the secrets of the endpoint first, whichever function is there.
do $$
begin
    if exists (
        select from pg_proc as p
        where
            p.oid = to_regprocedure('get_enterprise_webhook_for_batch(uuid)')
            and btrim(regexp_replace(p.prosrc, '\s+', ' ', 'g'))
            = 'select b.webhook_url, null::text from batch_jobs as b where b.id = p_batch_id'
    ) then
        create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)
        returns table (url text, secret text)
        language sql stable set search_path from current as $function$
            select b.webhook_url, s.sealed
            from batch_jobs as b
            left join webhook_endpoints as e on b.user_id = e.user_id and b.webhook_url = e.url
            left join webhook_secrets as s on e.id = s.endpoint_id and (s.expires_at is null or s.expires_at > now())
            where b.id = p_batch_id
            order by s.expires_at nulls last, s.created_at, s.id
        $function$;
        comment on function get_enterprise_webhook_for_batch(uuid) is
        'Where a batch''s customer wants to be told and with which secrets, a row for each in force, the one that '
        'expires first at the top, sealed as they are kept; null: then ENTERPRISE_WEBHOOK_SECRET.';
    end if;
end $$;

create function batchctl_signing_secrets(p_batch_id uuid, p_url text, p_at timestamptz) returns text[]
language sql stable set search_path from current as $$
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
comment on function batchctl_signing_secrets(uuid, text, timestamptz) is
'The secrets in force that sign for a batch''s events at an address, those that expire first; none: the default one.';
