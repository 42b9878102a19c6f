-- Add the tasks of a batch that is being enqueued.
-- Locks: by the counting trigger, the batch.
-- Again: is refused, for the places in the batch are taken.
insert into video_tasks (
    user_id, batch_job_id, batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta
)
select
    %(user_id)s, %(batch_id)s, n.batch_index, n.prompt, coalesce(n.model, 'sora-2'), n.reference_url, n.aspect_ratio,
    n.duration, n.size, n.meta::jsonb
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
