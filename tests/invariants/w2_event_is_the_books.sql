-- The event says what the books say.
select d.id from webhook_deliveries as d
inner join batch_jobs as b on b.id = d.batch_job_id
left join (
    select ref_id, sum(credits_delta) as back from credit_ledger where ref_type = 'batch_refund' group by ref_id
) as x on x.ref_id = b.id::text
where
    d.body::jsonb - 'timestamp' is distinct from jsonb_build_object(
        'type', 'batch.' || b.status,
        'batch_id', b.id,
        'user_id', b.user_id,
        'status', b.status,
        'total_count', coalesce(b.total_count, 0),
        'success_count', b.success_count,
        'failed_count', b.failed_count,
        'credits_spent', b.credits_spent,
        'credits_refunded', coalesce(x.back, 0),
        'reason', b.last_error
    )
    or d.event_type <> 'batch.' || b.status
