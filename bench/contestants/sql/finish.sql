-- Record how a task ended and count it off in its batch; a job that is run again is told how its batch stands.
with ended as (
    update tasks
    set
        status = case when $3::bool then 'succeeded' else 'failed' end,
        remote_id = $2::text,
        video_url = $4::text,
        error = $5::text,
        completed_at = now()
    where id = $1::int and status = 'pending'
    returning batch_id
),

counted as (
    update batches
    set
        open_count = open_count - 1,
        success_count = success_count + $3::bool::int,
        failed_count = failed_count + (not $3::bool)::int
    from ended
    where batches.id = ended.batch_id
    returning batches.id, batches.open_count
)

select id, open_count from counted
union all
select batches.id, batches.open_count
from tasks
inner join batches on batches.id = tasks.batch_id
where tasks.id = $1::int and not exists (select from ended)
