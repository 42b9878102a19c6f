-- Give every batch its tasks.
insert into video_tasks (user_id, batch_job_id, batch_index, model, prompt)
select b.user_id, b.id, p.number - 1, 'sora-2', p.prompt
from batch_jobs as b
cross join unnest(%(prompts)s::text[]) with ordinality as p (prompt, number)
order by b.id, p.number
