"""How long to wait before the next poll, submission or webhook try."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

SUBMIT_WAITS_S = (15.0, 60.0, 300.0)
"""Waits after a submission that was not accepted (contract §4); the last one repeats."""
SUBMIT_RETRY_AFTER_MAX_S = 900.0
"""Retry-After of the provider is followed up to 15 min (contract §4)."""
WEBHOOK_SLOW_WAITS_S = tuple(3600.0 * hours for hours in (5 / 60, 0.5, 1, 2, 3, 5, 6, 8))
"""Waits of the slow webhook tries: 5 min, 30 min, 1, 2, 3, 5, 6, 8 h (contract §3)."""
WEBHOOK_RETRY_AFTER_MAX_S = 3600.0
"""Retry-After of a receiver is followed up to 1 h (contract §5)."""
ALL_DONE = 100
"""The progress, in percent, at which the result is expected at once."""
FIRST_POLLS, SECOND_POLLS = 1, 3
"""Up to so many polls the first and the second wait apply; the third one afterwards (mission: Poll back-off)."""
JITTER = 0.2
"""Slow waits are spread by ± 20 % (contract §3, §4)."""


def poll_wait(progress: int | None, polls: int, waits_s: Sequence[float]) -> timedelta:
    """Return the wait before the next poll after `polls` polls, exact and without jitter (mission: Poll back-off).

    `waits_s` are the three waits of BATCH_POLL_BACKOFF_SECONDS. Progress 100 is asked again in the next pass.
    """
    if progress is not None and progress >= ALL_DONE:
        return timedelta(0)
    first_s, second_s, third_s = waits_s
    if polls <= FIRST_POLLS:
        return timedelta(seconds=first_s)
    return timedelta(seconds=second_s if polls <= SECOND_POLLS else third_s)


def submit_wait(defers: int, retry_after_s: float | None, random: Random) -> timedelta:
    """Return the wait after the `defers`-th submission (1 = the first) that was not accepted."""
    step_s = SUBMIT_WAITS_S[min(max(defers, 1), len(SUBMIT_WAITS_S)) - 1] * _spread(random)
    return timedelta(seconds=max(step_s, min(retry_after_s or 0.0, SUBMIT_RETRY_AFTER_MAX_S)))


def webhook_wait(
    tries: int, quick_retries: int, slow_retries: int, retry_after_s: float | None, random: Random
) -> timedelta | None:
    """Return the wait after the `tries`-th failed webhook try (1 = the first), or None when no try is left.

    Quick waits are exactly 500·(2ⁿ−1) ms (mission); the slow ones are spread. Retry-After only ever lengthens.
    """
    if tries <= quick_retries:
        wait_s = 0.5 * (2**tries - 1)
    elif tries <= quick_retries + slow_retries:
        step = min(tries - quick_retries, len(WEBHOOK_SLOW_WAITS_S))
        wait_s = WEBHOOK_SLOW_WAITS_S[step - 1] * _spread(random)
    else:
        return None
    return timedelta(seconds=max(wait_s, min(retry_after_s or 0.0, WEBHOOK_RETRY_AFTER_MAX_S)))


def _spread(random: Random) -> float:
    return 1 + random.uniform(-JITTER, JITTER)
