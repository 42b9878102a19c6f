"""The waits, to the second where the mission says so and within the spread where the contract allows one."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.backoff import poll_wait, submit_wait, webhook_wait

WAITS_S = (5.0, 15.0, 30.0)


@pytest.mark.parametrize(
    ("polls", "wait_s"), [(0, 5), (1, 5), (2, 15), (3, 15), (4, 30), (5, 30), (20, 30), (1000, 30)]
)
@pytest.mark.parametrize("progress", [None, 0, 50, 99])
def test_poll_waits_grow_with_the_polls(progress: int | None, polls: int, wait_s: int) -> None:
    """5 s up to the first poll, 15 s up to the third, 30 s from then on, exact (mission)."""
    assert poll_wait(progress, polls, WAITS_S) == timedelta(seconds=wait_s)


@pytest.mark.parametrize("polls", [0, 1, 3, 19])
def test_finished_progress_is_asked_again_at_once(polls: int) -> None:
    """Progress 100 waits for nothing (mission)."""
    assert poll_wait(100, polls, WAITS_S) == timedelta(0)


def test_poll_waits_come_from_the_settings() -> None:
    """BATCH_POLL_BACKOFF_SECONDS replaces all three, fractions included."""
    assert [poll_wait(1, polls, (0.5, 1, 2)).total_seconds() for polls in (1, 3, 4)] == [0.5, 1, 2]


def spread(wait_s: float, step_s: float) -> bool:
    """Tell whether a wait lies within ± 20 % of its step."""
    return step_s * 0.8 <= wait_s <= step_s * 1.2


@given(seed=st.integers(), defers=st.integers(min_value=0, max_value=50))
def test_submit_waits_keep_their_steps(seed: int, defers: int) -> None:
    """15 s, 60 s, then 5 min for ever, ± 20 % (contract §4)."""
    step_s = 15 if defers <= 1 else 60 if defers == 2 else 300
    assert spread(submit_wait(defers, None, Random(seed)).total_seconds(), step_s)


@given(seed=st.integers(), retry_after_s=st.floats(min_value=0, max_value=1e12))
def test_retry_after_only_lengthens_a_submit_wait(seed: int, retry_after_s: float) -> None:
    """The provider's wish is followed up to 15 min, and never shortens the wait."""
    own_s = submit_wait(1, None, Random(seed)).total_seconds()
    wait_s = submit_wait(1, retry_after_s, Random(seed)).total_seconds()
    assert wait_s == pytest.approx(max(own_s, min(retry_after_s, 900)), abs=1e-5)


def test_waits_are_spread() -> None:
    """Tasks deferred together do not come back together."""
    random = Random(1)
    waits = {submit_wait(3, None, random) for _ in range(20)}
    assert len(waits) == 20
    assert max(waits) - min(waits) > timedelta(seconds=30)


def webhook_waits(quick: int, slow: int) -> list[float]:
    """Return the waits after each try until none is left."""
    random, waits = Random(7), list[float]()
    while (wait := webhook_wait(len(waits) + 1, quick, slow, None, random)) is not None:
        waits.append(wait.total_seconds())
    return waits


def test_quick_webhook_waits_are_exact() -> None:
    """500, 1500, 3500, … ms: 500·(2ⁿ−1) (mission)."""
    assert webhook_waits(5, 0) == [0.5, 1.5, 3.5, 7.5, 15.5]


def test_slow_webhook_waits_follow() -> None:
    """5 min, 30 min, 1, 2, 3, 5, 6, 8 h, ± 20 %, and then no more (contract §3)."""
    waits = webhook_waits(3, 8)
    assert waits[:3] == [0.5, 1.5, 3.5]
    steps = [300, 1800, 3600, 7200, 10800, 18000, 21600, 28800]
    assert len(waits) == 11
    assert all(spread(wait, step) for wait, step in zip(waits[3:], steps, strict=True))


def test_no_retries_means_one_try() -> None:
    """Zero quick and zero slow retries leave the first try alone."""
    assert webhook_waits(0, 0) == []
    assert len(webhook_waits(0, 8)) == 8


def test_more_slow_retries_repeat_the_last_wait() -> None:
    """Beyond the eighth the wait stays about 8 h."""
    assert all(spread(wait, 28800) for wait in webhook_waits(0, 12)[7:])


@pytest.mark.parametrize(
    ("tries", "retry_after_s", "wait_s"), [(1, 60.0, 60.0), (1, 0.1, 0.5), (1, 7200.0, 3600.0), (1, None, 0.5)]
)
def test_retry_after_only_lengthens_a_webhook_wait(tries: int, retry_after_s: float | None, wait_s: float) -> None:
    """The receiver's wish is followed up to 1 h (contract §5)."""
    wait = webhook_wait(tries, 3, 8, retry_after_s, Random(1))
    assert wait == timedelta(seconds=wait_s)


def test_retry_after_gives_no_further_try() -> None:
    """When all tries are used up, a wish to be asked later changes nothing."""
    assert webhook_wait(12, 3, 8, 60.0, Random(1)) is None
