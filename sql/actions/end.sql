-- Write down what came of it.
-- Locks: the action.
-- Again: changes nothing, for it has ended.
update operator_actions set
    ended_at = %(now)s,
    matched_count = %(matched_count)s,
    changed_count = %(changed_count)s,
    credits = %(credits)s,
    outcome = %(outcome)s,
    error = %(error)s
where id = %(id)s and outcome = 'running'
