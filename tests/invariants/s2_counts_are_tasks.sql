-- The counts of a settled batch are those of its tasks, and the label fits them.
select b.id from batch_jobs as b
left join (
    select
        batch_job_id,
        count(*) as n,
        count(*) filter (where status = 'succeeded') as ok,
        count(*) filter (where status = 'failed') as bad
    from video_tasks group by batch_job_id
) as t on t.batch_job_id = b.id
where
    b.settlement_status <> 'pending'
    and (
        (b.success_count, b.failed_count) is distinct from (t.ok, t.bad)
        or t.n is distinct from b.total_count
        or t.ok + t.bad is distinct from t.n
        or b.status <> case when t.ok = t.n then 'completed' when t.ok > 0 then 'partial' else 'failed' end
    )
