-- One event for each finished batch that asked for it, none for others.
select b.id, count(d.id) from batch_jobs as b
left join webhook_deliveries as d on d.batch_job_id = b.id
group by b.id
having count(d.id) <> case
    when b.webhook_url <> '' and b.status in ('completed', 'partial', 'failed') then 1 else 0
end or (b.webhook_status is null) <> (count(d.id) = 0)
