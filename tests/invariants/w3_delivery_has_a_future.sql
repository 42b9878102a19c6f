-- A delivery is done, given up, or has a next attempt; and its batch says the same.
select d.id from webhook_deliveries as d
inner join batch_jobs as b on b.id = d.batch_job_id
where
    b.webhook_status <> d.status
    or b.webhook_attempts <> d.attempts
    or not case d.status
        when 'sent' then
            d.delivered_at is not null and d.last_status_code between 200 and 299 and d.attempts >= 1
            and d.next_attempt_at is null
        when 'failed' then d.delivered_at is null and d.next_attempt_at is null
        else d.next_attempt_at is not null and d.delivered_at is null
    end
