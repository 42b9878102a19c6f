-- Note that the customer was told.
update batches set announced_at = now()
where id = $1::int
returning id
