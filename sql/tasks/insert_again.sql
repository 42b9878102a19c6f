-- Add copies of tasks to a batch that is being enqueued: what was ordered, and nothing of what became of it.
-- Locks: by the counting trigger, the batch.
-- Again: adds them again; the caller's batch, made in the same transaction, is another one then.
insert into video_tasks (
    user_id, batch_job_id, batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta, retry_of,
    created_at, updated_at
)
select
    %(user_id)s,
    %(batch_id)s,
    %(first_index)s + c.place - 1,
    t.prompt,
    t.model,
    t.reference_url,
    t.aspect_ratio,
    t.duration,
    t.size,
    t.meta,
    t.id,
    %(now)s,
    %(now)s
from unnest(%(ids)s::uuid[]) with ordinality as c (id, place)
inner join video_tasks as t on c.id = t.id
order by c.place
