"""How long the worker sleeps: until something is due, longer and longer where it cannot help, never in a busy loop."""

from contextlib import closing

import pytest

from batchctl.db import Database
from batchctl.service.run_for import PASS_GAP_S
from batchctl.service.worker import LONGEST_RETRY_S, LONGEST_SLEEP_S, retry_s, sleep_s


@pytest.mark.parametrize(
    ("due_in_s", "idle", "expected_s"),
    [(None, 1, LONGEST_SLEEP_S), (None, 99, LONGEST_SLEEP_S), (7.5, 3, 7.5), (900.0, 1, LONGEST_SLEEP_S)],
)
def test_sleep_ends_when_something_is_due(due_in_s: float | None, idle: int, expected_s: float) -> None:
    """With nothing under way, and with nothing due for long, a lost notification costs the longest sleep."""
    assert sleep_s(due_in_s, idle) == expected_s


def test_waits_for_what_others_have_grow() -> None:
    """What is due and was not found is looked for after 1 s, then more rarely, at last every 5 s."""
    waits = [PASS_GAP_S + sleep_s(-3.0, idle) for idle in (1, 2, 3, 4, 1000)]

    assert waits == [1, 2, 4, 5, 5]


def test_database_is_sought_more_and_more_rarely() -> None:
    """After 1, 2, 4 s and so on, at last every 30 s, however long it is away."""
    assert [retry_s(vain) for vain in (1, 2, 3, 4, 5, 6, 5000)] == [1, 2, 4, 8, 16, LONGEST_RETRY_S, LONGEST_RETRY_S]


def test_new_connection_counts_as_word(dsn: str) -> None:
    """What was said before it listened is not heard, so its owner must look; then it hears what is said between."""
    with closing(Database(dsn, lambda _: None)) as db, closing(Database(dsn, lambda _: None)) as other:
        assert db.await_word("news", 0, 0)
        other.ask(lambda tx: tx.execute("notify news"))
        db.ask(lambda tx: tx.execute("select 1"))  # hears it while it does something else

        assert db.await_word("news", 5, 0)
        db.close()
        assert db.await_word("news", 0, 0)
