-- Note a task's id at the provider.
update tasks set remote_id = $2::text
where id = $1::int
returning id
