-- Where a task was sent is where its result is asked for, with our key: only a worker may say so. Whoever else writes
-- tasks, as applications and on some databases customers do, leaves it as it was.

create function batchctl_keep_provider_host() returns trigger
language plpgsql set search_path from current as $$
begin
    -- The rights of whoever writes, for the function has no others: only workers may insert here.
    if not has_table_privilege('runs', 'insert') then
        new.provider_host := case when tg_op = 'UPDATE' then old.provider_host end;
    end if;
    return new;
end $$;

create trigger batchctl_keep_new_host before insert on video_tasks
for each row when (new.provider_host is not null) execute function batchctl_keep_provider_host();

create trigger batchctl_keep_provider_host before update on video_tasks
for each row when (new.provider_host is distinct from old.provider_host)
execute function batchctl_keep_provider_host();
