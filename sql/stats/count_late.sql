-- Count the results that came in a window of time, after their tasks had been failed.
-- Locks: nothing.
-- Again: counts them again.
select count(*) as late_count
from late_results as l
where
    l.seen_at >= %(since)s and l.seen_at < %(until)s
    and (
        (%(batch_ids)s::uuid[] is null and %(user_id)s::uuid is null and %(model)s::text is null)
        or exists (
            select from video_tasks as t
            where
                t.id = l.task_id
                and (%(batch_ids)s::uuid[] is null or t.batch_job_id = any(%(batch_ids)s::uuid[]))
                and (%(user_id)s::uuid is null or t.user_id = %(user_id)s)
                and (%(model)s::text is null or t.model = %(model)s)
        )
    )
