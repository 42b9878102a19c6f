-- Nothing was sent to the provider for a batch that is not paid for.
select t.id from video_tasks as t
inner join batch_jobs as b on b.id = t.batch_job_id
where
    (t.attempts > 0 or t.grsai_task_id is not null or t.video_url is not null)
    and b.frozen_credits <> b.total_count * b.cost_per_video
