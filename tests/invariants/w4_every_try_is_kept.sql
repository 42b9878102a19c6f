-- Every try of a delivery is kept. One without an end is under way, or its worker died; but what a delivery came to was
-- said by a try that came to its end.
select d.id from webhook_deliveries as d
left join delivery_attempts as a on a.delivery_id = d.id
group by d.id, d.attempts, d.status
having
    count(a.attempt) <> d.attempts
    or (d.status = 'sent' and not coalesce(bool_or(a.status_code between 200 and 299), false))
    or (d.status = 'failed' and bool_or(a.attempt = d.attempts and a.duration_ms is null))
