-- Add tasks to a batch that is being enqueued, where row policies stand in the way of a stream.
-- Locks: by the counting trigger, the batch.
-- Again: adds them again; the caller's batch, made in the same transaction, is another one then.
insert into video_tasks (
    user_id, batch_job_id, batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta, created_at,
    updated_at
)
select
    %(user_id)s, %(batch_id)s, n.batch_index, n.prompt, n.model, n.reference_url, n.aspect_ratio, n.duration, n.size,
    n.meta::jsonb, %(now)s, %(now)s
from
    unnest(
        %(batch_indexes)s::int[],
        %(prompts)s::text[],
        %(models)s::text[],
        %(reference_urls)s::text[],
        %(aspect_ratios)s::text[],
        %(durations)s::int[],
        %(sizes)s::text[],
        %(metas)s::text[]
    ) as n (batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta)
