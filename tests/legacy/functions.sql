-- The functions that the original's programs call.

create function get_total_available_credits(user_uuid uuid) returns int language plpgsql as $$
declare
    w credit_wallet%rowtype;
begin
    select * into w from credit_wallet where user_id = user_uuid;
    if not found then
        return 0;
    end if;
    return w.permanent_credits + case when w.bonus_expires_at > now() then w.bonus_credits else 0 end;
end $$;

create function can_use_bonus_for_model(user_uuid uuid, model_type text) returns boolean language plpgsql as $$
begin
    return model_type <> 'veo-pro';
end $$;

create function deduct_credits_from_wallet(user_uuid uuid, credits_needed int, model_type text) returns jsonb
language plpgsql as $$
declare
    w credit_wallet%rowtype;
    bonus_used int := 0;
    permanent_used int;
begin
    select * into w from credit_wallet where user_id = user_uuid;
    if not found then
        insert into credit_wallet (user_id) values (user_uuid) returning * into w;
    end if;
    if w.bonus_expires_at > now() and can_use_bonus_for_model(user_uuid, model_type) then
        bonus_used := least(w.bonus_credits, credits_needed);
    end if;
    permanent_used := credits_needed - bonus_used;
    if permanent_used > w.permanent_credits then
        return jsonb_build_object('success', false, 'error', 'Insufficient credits');
    end if;
    update credit_wallet
    set permanent_credits = permanent_credits - permanent_used, bonus_credits = bonus_credits - bonus_used
    where user_id = user_uuid;
    if bonus_used > 0 then
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type)
        values (user_uuid, 'spend', model_type, -bonus_used, 'bonus_credits');
    end if;
    if permanent_used > 0 then
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type)
        values (user_uuid, 'spend', model_type, -permanent_used, 'permanent_credits');
    end if;
    return jsonb_build_object(
        'success', true, 'bonus_used', bonus_used, 'permanent_used', permanent_used,
        'remaining_credits', get_total_available_credits(user_uuid)
    );
end $$;

create function claim_batch_jobs(p_limit int default 5) returns setof batch_jobs
language plpgsql security definer as $$
begin
    return query
    with picked as (
        select id from batch_jobs where status = 'queued' order by created_at limit p_limit for update skip locked
    )
    update batch_jobs b set status = 'processing', updated_at = now() from picked where b.id = picked.id returning b.*;
end $$;

create function freeze_credits_for_batch(p_batch_id uuid, p_user_id uuid, p_amount int) returns jsonb
language plpgsql security definer as $$
declare
    b batch_jobs%rowtype;
    w credit_wallet%rowtype;
    bonus int := 0;
    permanent int;
begin
    if p_amount <= 0 then
        return jsonb_build_object('ok', true, 'skipped', true, 'reason', 'NON_POSITIVE_AMOUNT');
    end if;
    select * into b from batch_jobs where id = p_batch_id for update;
    if not found then
        return jsonb_build_object('ok', false, 'error', 'BATCH_NOT_FOUND');
    end if;
    if b.frozen_credits >= p_amount or exists (
        select 1 from credit_ledger where ref_type = 'batch_upfront' and ref_id = p_batch_id::text
    ) then
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
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type, ref_id, meta)
        values (
            p_user_id, 'spend', 'sora-2', -bonus, 'batch_upfront', p_batch_id::text,
            jsonb_build_object('batch_id', p_batch_id, 'use_bonus', true)
        );
    end if;
    if permanent > 0 then
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type, ref_id, meta)
        values (
            p_user_id, 'spend', 'sora-2', -permanent, 'batch_upfront', p_batch_id::text,
            jsonb_build_object('batch_id', p_batch_id, 'use_permanent', true)
        );
    end if;
    update batch_jobs set frozen_credits = p_amount where id = p_batch_id;
    return jsonb_build_object(
        'ok', true, 'already', false, 'frozen', p_amount, 'bonus_used', bonus, 'permanent_used', permanent
    );
end $$;

create function finalize_batch_credits(p_batch_id uuid, p_user_id uuid, p_spent int) returns jsonb
language plpgsql security definer as $$
declare
    b batch_jobs%rowtype;
    refund int;
begin
    p_spent := greatest(p_spent, 0);
    select * into b from batch_jobs where id = p_batch_id for update;
    if not found then
        return jsonb_build_object('ok', false, 'error', 'BATCH_NOT_FOUND');
    end if;
    if b.settlement_status <> 'pending' then
        return jsonb_build_object('ok', true, 'already', true, 'frozen', b.frozen_credits, 'spent', b.credits_spent);
    end if;
    refund := greatest(b.frozen_credits - p_spent, 0);
    if refund > 0 then
        perform 1 from credit_wallet where user_id = p_user_id for update;
        update credit_wallet set permanent_credits = permanent_credits + refund where user_id = p_user_id;
        insert into credit_ledger (user_id, type, model, credits_delta, ref_type, ref_id, meta)
        values (
            p_user_id, 'refund', 'sora-2', refund, 'batch_refund', p_batch_id::text,
            jsonb_build_object('batch_id', p_batch_id, 'refund_to', 'permanent')
        );
    end if;
    update batch_jobs
    set credits_spent = p_spent, settlement_status = case when refund > 0 then 'refunded' else 'finalized' end
    where id = p_batch_id;
    return jsonb_build_object('ok', true, 'frozen', b.frozen_credits, 'spent', p_spent, 'refund', refund);
end $$;

create function get_enterprise_webhook_for_batch(p_batch_id uuid) returns table (url text, secret text)
language plpgsql security definer as $$
declare
    v_url text;
begin
    select webhook_url into v_url from batch_jobs where id = p_batch_id;
    return query select v_url, null::text;
end $$;
