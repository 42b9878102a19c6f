-- Take the tasks of a batch that is being enqueued, as a stream.
-- Locks: by the counting trigger, the batch.
-- Again: adds them again; the caller's batch, made in the same transaction, is another one then.
copy video_tasks (
    user_id, batch_job_id, batch_index, prompt, model, reference_url, aspect_ratio, duration, size, meta, created_at,
    updated_at
) from stdin
