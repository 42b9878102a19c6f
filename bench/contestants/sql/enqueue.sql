-- Enqueue batches whose credits are frozen already, and their tasks: $1 batches of $2 tasks at $3 credits for $4 users.
with wallet as (
    insert into wallets (user_id, credits)
    select user_id, 1000000 from generate_series(0, $4::int - 1) as user_id
    returning user_id
),

batch as (
    insert into batches (id, user_id, total_count, open_count, price, frozen_credits)
    select id, id % $4::int, $2::int, $2::int, $3::bigint, $3::bigint * $2::int
    from generate_series(0, $1::int - 1) as id
    inner join wallet on wallet.user_id = id % $4::int
    returning id, user_id, frozen_credits
),

entry as (
    insert into ledger (user_id, batch_id, type, credits_delta)
    select user_id, id, 'spend', -frozen_credits from batch
)

insert into tasks (id, batch_id, batch_index, prompt)
select batch.id * $2::int + p.index, batch.id, p.index, p.prompt
from batch
cross join unnest($5::text[]) with ordinality as numbered (prompt, number)
cross join lateral (select (numbered.number - 1)::int as index, numbered.prompt) as p
order by batch.id, p.index
