"""Statements of the audit, a file each; the first sentence of the file says what it guards."""

from dataclasses import dataclass

from batchctl.domain.audit import Check, Offender, Scope
from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    kind: str
    id: str
    detail: str
    found: int
    """How many there are in all, the same in each row."""


_CHECKS = (
    Statement("audit/m1_nobody_owes_credits", _Found),
    Statement("audit/m2_wallet_is_ledger", _Found),
    Statement("audit/m3_frozen_is_ledger", _Found),
    Statement("audit/m4_frozen_is_spent_or_back", _Found),
    Statement("audit/m5_price_is_successes", _Found),
    Statement("audit/m6_money_moves_once", _Found),
    Statement("audit/m7_label_tells_the_truth", _Found),
    Statement("audit/m8_owner_only", _Found),
    Statement("audit/m9_batch_rows_are_whole", _Found),
    Statement("audit/m10_one_batch_a_request", _Found),
    Statement("audit/m11_back_to_its_bucket", _Found),
    Statement("audit/m12_nothing_sent_unpaid", _Found),
    Statement("audit/m13_refused_holds_no_money", _Found),
    Statement("audit/m14_bonus_pays_no_veo_pro", _Found),
    Statement("audit/s1_ended_is_settled", _Found),
    Statement("audit/s2_counts_are_tasks", _Found),
    Statement("audit/s3_as_many_as_paid_for", _Found),
    Statement("audit/s4_tasks_of_the_owner", _Found),
    Statement("audit/s5_verdicts_are_whole", _Found),
    Statement("audit/s6_one_job_one_task", _Found),
    Statement("audit/s7_submission_fits_state", _Found),
    Statement("audit/s8_guards_stand", _Found),
    Statement("audit/s9_time_runs_forward", _Found),
    Statement("audit/s10_counters_are_tasks", _Found),
    Statement("audit/s11_late_changes_nothing", _Found),
    Statement("audit/l1_every_wait_ends", _Found),
    Statement("audit/l2_polls_have_an_end", _Found),
    Statement("audit/w1_one_event", _Found),
    Statement("audit/w2_event_is_the_books", _Found),
    Statement("audit/w3_delivery_has_a_future", _Found),
    Statement("audit/w4_every_try_is_kept", _Found),
)
_BY_NAME = {statement.name.partition("/")[2]: statement for statement in _CHECKS}


def checks() -> list[Check]:
    """Return every check with the sentence that it guards."""
    return [Check(name=name, guards=_first_comment(statement)) for name, statement in _BY_NAME.items()]


def run(tx: Conn, check: Check, scope: Scope, *, offender_limit: int) -> tuple[int, tuple[Offender, ...]]:
    """Run a check; return how many rows break its rule, and the first of them."""
    rows = _BY_NAME[check.name].all(
        tx,
        since=scope.since,
        old_before=scope.old_before,
        now=scope.now,
        max_poll_count=scope.max_poll_count,
        offender_limit=offender_limit,
    )
    offenders = tuple(Offender(kind=row.kind, id=row.id, detail=row.detail) for row in rows)
    return (rows[0].found if rows else 0), offenders


def _first_comment(statement: Statement[_Found]) -> str:
    said = statement.text.decode().partition("\n-- Locks:")[0]
    return " ".join(line.removeprefix("-- ") for line in said.splitlines())
