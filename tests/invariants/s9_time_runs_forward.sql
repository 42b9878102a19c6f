-- A batch has an end exactly when it has ended.
select id from batch_jobs
where (status in ('completed', 'partial', 'failed')) <> (completed_at is not null)
