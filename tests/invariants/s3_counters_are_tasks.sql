-- The counters that the trigger keeps are what counting says.
select b.id from batch_jobs as b
left join (
    select
        batch_job_id,
        count(*) as n,
        count(*) filter (where status in ('pending', 'queued')) as waiting,
        count(*) filter (where status = 'processing') as flying,
        count(*) filter (where status = 'succeeded') as ok,
        count(*) filter (where status = 'failed') as bad
    from video_tasks group by batch_job_id
) as t on t.batch_job_id = b.id
where
    (b.task_count, b.tasks_pending, b.tasks_in_flight, b.tasks_succeeded, b.tasks_failed)
    is distinct from (
        coalesce(t.n, 0), coalesce(t.waiting, 0), coalesce(t.flying, 0), coalesce(t.ok, 0), coalesce(t.bad, 0)
    )
