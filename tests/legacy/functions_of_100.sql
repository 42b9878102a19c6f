-- The same two functions before migration 104: their ledger rows do not say for which batch they are.

create or replace function freeze_credits_for_batch(p_batch_id uuid, p_user_id uuid, p_amount int) returns jsonb
language plpgsql security definer as $$
declare
    b batch_jobs%rowtype;
    w credit_wallet%rowtype;
    bonus int := 0;
    permanent int;
begin
    select * into b from batch_jobs where id = p_batch_id for update;
    if b.frozen_credits >= p_amount then
        return jsonb_build_object('ok', true, 'already', true, 'frozen', b.frozen_credits);
    end if;
    select * into w from credit_wallet where user_id = p_user_id for update;
    if not found then
        return jsonb_build_object('ok', false, 'error', 'WALLET_NOT_FOUND');
    end if;
    if w.bonus_expires_at > now() then
        bonus := least(w.bonus_credits, p_amount);
    end if;
    permanent := p_amount - bonus;
    if permanent > w.permanent_credits then
        return jsonb_build_object('ok', false, 'error', 'INSUFFICIENT_CREDITS');
    end if;
    update credit_wallet
    set permanent_credits = permanent_credits - permanent, bonus_credits = bonus_credits - bonus
    where user_id = p_user_id;
    if bonus > 0 then
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type)
        values (p_user_id, 'spend', 'sora-2', -bonus, 'bonus_credits');
    end if;
    if permanent > 0 then
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type)
        values (p_user_id, 'spend', 'sora-2', -permanent, 'permanent_credits');
    end if;
    update batch_jobs set frozen_credits = p_amount where id = p_batch_id;
    return jsonb_build_object('ok', true, 'already', false, 'frozen', p_amount);
end $$;

create or replace function finalize_batch_credits(p_batch_id uuid, p_user_id uuid, p_spent int) returns jsonb
language plpgsql security definer as $$
declare
    b batch_jobs%rowtype;
    refund int;
begin
    select * into b from batch_jobs where id = p_batch_id for update;
    if b.settlement_status <> 'pending' then
        return jsonb_build_object('ok', true, 'already', true, 'frozen', b.frozen_credits, 'spent', b.credits_spent);
    end if;
    refund := greatest(b.frozen_credits - p_spent, 0);
    if refund > 0 then
        update credit_wallet set permanent_credits = permanent_credits + refund where user_id = p_user_id;
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type)
        values (p_user_id, 'refund', 'sora-2', refund, 'permanent_credits');
    end if;
    update batch_jobs
    set credits_spent = p_spent, settlement_status = case when refund > 0 then 'refunded' else 'finalized' end
    where id = p_batch_id;
    return jsonb_build_object('ok', true, 'frozen', b.frozen_credits, 'spent', p_spent, 'refund', refund);
end $$;
