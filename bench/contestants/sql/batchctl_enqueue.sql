-- Enqueue batches and their tasks as an application of batchctl does. Credits are bought; batchctl freezes them itself.
with customer as materialized (
    select gen_random_uuid() as user_id, number from generate_series(0, %(customers)s - 1) as number
),

wallet as (
    insert into credit_wallet (user_id, permanent_credits) select user_id, 1000000 from customer
),

entry as (
    insert into credit_ledger (user_id, type, credits_delta) select user_id, 'purchase', 1000000 from customer
)

insert into batch_jobs (user_id, status, total_count, cost_per_video, webhook_url)
select customer.user_id, 'queued', %(tasks)s, %(price)s, %(webhook_url)s
from generate_series(0, %(batches)s - 1) as n (number)
inner join customer on customer.number = mod(n.number, %(customers)s)
