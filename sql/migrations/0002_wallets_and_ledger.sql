-- Money: one wallet a customer, and a ledger of which no row is ever changed.

create table if not exists credit_wallet (
    user_id uuid primary key,
    permanent_credits bigint not null default 0 check (permanent_credits >= 0),
    bonus_credits bigint not null default 0 check (bonus_credits >= 0),
    bonus_expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table credit_wallet set (fillfactor = 50);

create table if not exists credit_ledger (
    id bigserial primary key,
    user_id uuid not null,
    type text not null check (type in ('purchase', 'bonus_grant', 'spend', 'refund', 'adjust')),
    model text,
    credits_delta bigint not null,
    ref_type text,
    ref_id text,
    meta jsonb,
    created_at timestamptz not null default now()
);

alter table credit_ledger
add column if not exists bucket text,
add column if not exists balance_after bigint;

comment on column credit_ledger.bucket is 'permanent or bonus; null for rows older than this column.';
comment on column credit_ledger.balance_after is 'The bucket after this row, where batchctl wrote it.';

-- The original's ledger does not explain its wallets to the last credit (there were purchases before it, and changes by
-- hand). What is left unexplained is written down once, so that the books can be checked from here on.
create table adopted_wallets (
    user_id uuid primary key,
    unexplained_credits bigint not null
);
comment on table adopted_wallets is
'What a wallet held beyond the sum of its ledger when its database was adopted; wallets that agreed have no row.';

insert into adopted_wallets (user_id, unexplained_credits)
select w.user_id, w.permanent_credits::bigint + w.bonus_credits - coalesce(l.credits, 0)
from credit_wallet as w
left join (
    select user_id, sum(credits_delta)::bigint as credits from credit_ledger group by user_id
) as l on w.user_id = l.user_id
where
    exists (select from adoption)
    and w.permanent_credits::bigint + w.bonus_credits <> coalesce(l.credits, 0);

select batchctl_keep_private('adopted_wallets');

-- Rows that other programs write carry no bucket: it is derived from what they do write.
create or replace function batchctl_derive_bucket() returns trigger
language plpgsql set search_path from current as $$
begin
    new.bucket := case
        when new.meta ->> 'use_bonus' = 'true' or new.meta ->> 'refund_to' = 'bonus' then 'bonus'
        when new.meta ->> 'use_permanent' = 'true' or new.meta ->> 'refund_to' = 'permanent' then 'permanent'
        when new.ref_type = 'bonus_credits' or new.type = 'bonus_grant' then 'bonus'
        else 'permanent'
    end;
    return new;
end $$;

create or replace trigger batchctl_derive_bucket before insert on credit_ledger
for each row when (new.bucket is null) execute function batchctl_derive_bucket();
