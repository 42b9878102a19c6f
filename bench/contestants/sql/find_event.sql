-- Find what a customer is told of a batch.
select id, status, success_count, failed_count, credits_spent from batches where id = $1::int
