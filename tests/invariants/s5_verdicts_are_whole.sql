-- A finished task is complete, an open one bears no verdict.
select id, status from video_tasks
where
    batch_job_id is not null
    and not case status
        when 'succeeded' then
            video_url is not null and failure_type is null and completed_at is not null and video_url_seen_at is not null
        when 'failed' then
            failure_type in ('model_error', 'param_error', 'timeout', 'network', 'unknown')
            and error_message is not null and completed_at is not null and video_url is null
        else video_url is null and failure_type is null and completed_at is null and error_message is null
    end
