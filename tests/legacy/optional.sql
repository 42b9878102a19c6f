-- Columns that the original's programs use and that no migration of theirs is sure to have made.
alter table video_tasks add column meta jsonb;
alter table batch_jobs add column last_error text;
alter table credit_ledger add column request_id text;
create unique index idx_credit_ledger_request_id on credit_ledger (request_id) where request_id is not null;
