-- What operators are told of tries: which ones they asked for themselves, and what receivers answered.

alter table delivery_attempts add column by_operator boolean not null default false;

alter table delivery_attempts add column answer text;

comment on column delivery_attempts.by_operator is 'An operator asked for it: no step of the schedule.';

comment on column delivery_attempts.answer is 'How the receiver''s answer begins, without what could do harm.';
