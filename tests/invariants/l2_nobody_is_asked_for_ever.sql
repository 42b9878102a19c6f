-- No open task is past its poll limit.
select id from video_tasks where batch_job_id is not null and status = 'processing' and poll_count >= 20
