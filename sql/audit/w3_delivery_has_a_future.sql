-- An event was delivered, given up, or has a next try; and its batch says the same.
-- Locks: nothing.
-- Again: says it again.
with delivery as (
    select
        d.*,
        b.id as batch_id,
        b.webhook_status,
        b.webhook_attempts,
        -- Under way, or its worker died.
        a.attempt is not null as last_is_open,
        e.disabled_at is not null as is_disabled
    from batchctl_audited(%(since)s) as b
    inner join webhook_deliveries as d on b.id = d.batch_job_id
    left join delivery_attempts as a on d.id = a.delivery_id and d.attempts = a.attempt and a.duration_ms is null
    left join
        lateral (
            select k.disabled_at from webhook_endpoints as k
            where d.status = 'retrying' and d.next_attempt_at is null and k.user_id = b.user_id and k.url = d.url
            limit 1
        ) as e
        on true
)

select
    'delivery' as kind,
    d.id::text as id,
    concat(
        d.status, ', tries ', d.attempts, ', ', coalesce('next ' || d.next_attempt_at, 'no next one'), '; batch ',
        d.batch_id, ' says ', coalesce(d.webhook_status, 'nothing'), ', tries ', d.webhook_attempts
    ) as detail,
    count(*) over () as found
from delivery as d
where
    d.webhook_status is distinct from d.status
    -- The batch counts a try of a pass when it has ended.
    or not (
        d.webhook_attempts = d.attempts
        or (d.webhook_attempts < d.attempts and d.status in ('pending', 'retrying') and d.last_is_open)
    )
    or not case d.status
        when 'sent'
            then
                d.delivered_at is not null and coalesce(d.last_status_code between 200 and 299, false)
                and d.attempts > 0 and (d.next_attempt_at is null or d.last_is_open)
        when 'failed' then d.delivered_at is null and (d.next_attempt_at is null or d.last_is_open)
        else
            d.delivered_at is null
            and (
                d.next_attempt_at is not null
                -- It waits for its receiver to be enabled again.
                or (
                    d.status = 'retrying' and coalesce(d.last_error, '') = 'ENDPOINT_DISABLED'
                    and d.is_disabled
                )
            )
    end
order by d.id
limit %(offender_limit)s
