-- Claim due deliveries for a try and open the record of that try. The turns go round the receivers (a customer's host),
-- counting what each has under way, so that the backlog of one holds up no other; first tries come before further ones.
-- Locks: these deliveries, skipping locked ones.
-- Again: takes the next ones; a claim whose worker died is due again when its lease ends.
with waiting as materialized (
    select
        d.id,
        d.attempts > 0 as was_tried,
        d.next_attempt_at,
        d.next_attempt_at <= %(now)s as is_due,
        b.user_id,
        substring(d.url from '^[^/]*//[^/?#]*') as host
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where
        d.status in ('pending', 'retrying')
        and (
            (d.next_attempt_at > %(now)s and d.next_attempt_at <= %(lease_until)s)
            or (
                d.next_attempt_at <= %(now)s
                and (%(written_since)s::timestamptz is null or (d.attempts = 0 and d.created_at >= %(written_since)s))
                and (
                    %(signs_by_default)s
                    or exists (select from get_enterprise_webhook_for_batch(d.batch_job_id) as w where w.secret <> '')
                )
            )
        )
),

candidate as materialized (
    select
        id,
        was_tried,
        next_attempt_at,
        is_due,
        count(*) filter (where not is_due) over receiver
        + row_number() over (receiver order by next_attempt_at, id) as turn
    from waiting
    window receiver as (partition by user_id, host)
),

due as materialized (
    select d.id
    from candidate as c
    inner join webhook_deliveries as d on c.id = d.id
    where c.is_due and d.status in ('pending', 'retrying') and d.next_attempt_at <= %(now)s
    order by c.turn, c.was_tried, c.next_attempt_at, c.id
    limit %(delivery_limit)s
    for update of d skip locked
),

claimed as (
    update webhook_deliveries as d
    set attempts = d.attempts + 1, next_attempt_at = %(lease_until)s
    where d.id = any(array(select id from due))
    returning d.id, d.batch_job_id, d.url, d.body, d.attempts
),

opened as (
    insert into delivery_attempts (delivery_id, attempt, started_at)
    select id, attempts, %(now)s from claimed
)

select
    c.id,
    c.batch_job_id as batch_id,
    c.url,
    c.body,
    c.attempts as attempt,
    (select nullif(w.secret, '') from get_enterprise_webhook_for_batch(c.batch_job_id) as w limit 1) as secret
from claimed as c
