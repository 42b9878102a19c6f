"""When what happened to a batch, what may be done about it, and how it stands in one line."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from batchctl.domain.batch import BatchStatus, SettlementStatus
from batchctl.domain.delivery import DeliveryStatus
from batchctl.render.timeline import advice, change, timeline
from tests.render.test_batch import BATCH, COUNTS, DELIVERY, SHOWN

NOW = SHOWN.as_of
ENDED = replace(
    SHOWN,
    batch=replace(
        BATCH,
        status=BatchStatus.PARTIAL,
        next_step=None,
        settlement_status=SettlementStatus.REFUNDED,
        completed_at=NOW + timedelta(minutes=10),
        receiver="https://customer.example",
    ),
    tasks=replace(
        COUNTS, first_sent_at=NOW + timedelta(seconds=3), last_finished_at=NOW + timedelta(minutes=9), failed=2
    ),
    deliveries=(),
)


def test_steps_stand_in_the_order_in_which_they_were_taken() -> None:
    """Each with the time since the one before; a step that was not taken has no row."""
    told = replace(DELIVERY, status=DeliveryStatus.SENT, delivered_at=NOW + timedelta(minutes=30))
    rows = timeline(replace(ENDED, deliveries=(told,))).rows
    assert [row[0] for row in rows][:1] == ["created"]
    assert [row[0] for row in rows][-4:] == ["first task sent", "last task finished", "settled", "customer told"]
    assert rows[0][2] == ""
    assert [row[2] for row in rows][-2:] == ["60 s later", "20 min later"]


def test_cancellation_is_a_step() -> None:
    """When somebody cancelled it stands among the others."""
    rows = timeline(replace(ENDED, batch=replace(ENDED.batch, cancelled_at=NOW + timedelta(minutes=2)))).rows
    assert [row[0] for row in rows][-3:] == ["cancelled", "last task finished", "settled"]


def test_advice_is_a_command() -> None:
    """Failed tasks can be tried again; a customer who was not told, or given up, can be told."""
    short = str(BATCH.id)[:8]
    assert list(advice(ENDED)) == [
        f"try its failed tasks again: batchctl batch retry {short} --dry-run",
        f"its customer was never told: batchctl webhook resend {short}",
    ]
    given_up = replace(DELIVERY, status=DeliveryStatus.FAILED)
    assert list(advice(replace(ENDED, deliveries=(given_up,))))[1:] == [
        f"its customer could not be told: batchctl webhook resend {short}"
    ]


def test_no_advice_where_nothing_is_to_be_done() -> None:
    """Tried again already, told, or open: nothing is advised."""
    sent = replace(DELIVERY, status=DeliveryStatus.SENT)
    done = replace(ENDED, batch=replace(ENDED.batch, retried_by=uuid4()), deliveries=(sent,))
    assert list(advice(done)) == []
    assert list(advice(SHOWN)) == []


def test_cancelled_batch_says_what_is_still_to_come() -> None:
    """Until a pass has failed the unsent tasks the page says that one will."""
    cancelled = replace(SHOWN, batch=replace(BATCH, cancelled_at=NOW), tasks=replace(COUNTS, pending=7))
    assert list(advice(cancelled)) == ["cancelled: the next pass fails its 7 unsent tasks"]


def test_change_is_a_line() -> None:
    """State, progress, and what waits for a person; at the end what it cost, and why it ended so."""
    held = change(replace(SHOWN, batch=replace(BATCH, hold_reason="stuck")))
    assert "ON HOLD: stuck" in held
    end = change(replace(ENDED, batch=replace(ENDED.batch, last_error="CANCELLED", credits_spent=60)))
    assert end.startswith("partial, ")
    assert end.endswith("60 credits charged, 0 given back, CANCELLED")
