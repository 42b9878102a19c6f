-- The price is successes times the unit price, and only once settled.
select id from batch_jobs
where
    (settlement_status <> 'pending' and credits_spent <> success_count * cost_per_video)
    or (settlement_status = 'pending' and credits_spent <> 0)
