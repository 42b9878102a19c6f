-- Note that the receivers of deliveries failed. An endpoint begins to fail with its first failure; it is disabled when
-- it says that it is gone, or when it has failed for long enough and an event is given up. Where it cannot even be
-- reached that may be our own trouble, unless other customers were told lately.
-- Locks: these endpoints, if anything changes for them, in the order of customers and addresses.
-- Again: changes nothing.
with said as (
    select
        b.user_id,
        d.url,
        bool_or(t.verdict = 'gone') as is_gone,
        bool_or(t.verdict = 'given up') as is_given_up,
        bool_or(t.verdict = 'unreached') as is_unreached
    from unnest(%(ids)s::uuid[], %(verdicts)s::text[]) as t (id, verdict)
    inner join webhook_deliveries as d on t.id = d.id
    inner join batch_jobs as b on d.batch_job_id = b.id
    where d.id = any(%(ids)s::uuid[]) and octet_length(d.url) between 1 and 2048
    group by b.user_id, d.url
),

judged as (
    select
        s.user_id,
        s.url,
        e.failing_since,
        e.updated_at,
        case
            when e.disabled_at is not null then null
            when s.is_gone then 'it answered 410: gone for good'
            when
                e.failing_since <= %(failing_before)s
                and (
                    s.is_given_up
                    or (
                        s.is_unreached
                        and (
                            select true from batch_jobs as other
                            where
                                other.completed_at >= %(told_since)s and other.webhook_status = 'sent'
                                and other.user_id <> s.user_id
                            order by other.completed_at desc
                            limit 1
                        )
                    )
                )
                then
                    'every try has failed since '
                    || to_char(e.failing_since at time zone 'utc', 'YYYY-MM-DD HH24:MI') || ' UTC'
        end as reason
    from said as s
    left join
        lateral (
            select * from webhook_endpoints as known
            where known.user_id = s.user_id and known.url = s.url
            limit 1
        ) as e
        on true
),

noted as (
    insert into webhook_endpoints as e (
        user_id, url, created_at, updated_at, failing_since, disabled_at, disabled_reason, disabled_by
    )
    select
        j.user_id,
        j.url,
        %(now)s,
        %(now)s,
        coalesce(j.failing_since, %(now)s),
        case when j.reason is not null then %(now)s::timestamptz end,
        j.reason,
        case when j.reason is not null then 'batchctl' end
    from judged as j
    where j.failing_since is null or j.reason is not null or j.updated_at < %(now)s - interval '1 hour'
    order by j.user_id, j.url
    on conflict (user_id, url) do update
        set
            failing_since = coalesce(e.failing_since, excluded.failing_since),
            disabled_at = excluded.disabled_at,
            disabled_reason = excluded.disabled_reason,
            disabled_by = excluded.disabled_by,
            updated_at = excluded.updated_at
        -- An operator may have been quicker, or a success.
        where e.disabled_at is null and (e.failing_since is not null or excluded.failing_since = %(now)s)
    returning e.id, e.disabled_at
)

select id from noted where disabled_at is not null
