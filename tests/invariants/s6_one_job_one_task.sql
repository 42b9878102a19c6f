-- One remote job serves one task.
select grsai_task_id from video_tasks
where grsai_task_id is not null
group by grsai_task_id having count(*) > 1
