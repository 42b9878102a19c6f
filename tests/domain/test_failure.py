"""The rules that choose a failure type from a text (mission: Failure types)."""

import pytest

from batchctl.domain.failure import FailureType, classify


def test_types_are_the_words_that_operators_count() -> None:
    """The stored values are fixed."""
    assert [str(one) for one in FailureType] == ["model_error", "param_error", "timeout", "network", "unknown"]


@pytest.mark.parametrize(
    ("text", "failure_type"),
    [
        (None, "unknown"),
        ("", "unknown"),
        ("timeout", "timeout"),
        ("Request TIMEOUT", "timeout"),
        ("请求超时", "timeout"),
        ("network", "network"),
        ("网络连接失败", "network"),
        ("Fetch Failed", "network"),
        ("model unavailable", "model_error"),
        ("API error", "model_error"),
        ("HTTP 401", "model_error"),
        ("HTTP 403", "model_error"),
        ("bad param", "param_error"),
        ("Invalid prompt", "param_error"),
        ("HTTP 400", "param_error"),
        ("something else", "unknown"),
        ("time out", "unknown"),
        ("超", "unknown"),
        ("output_moderation", "unknown"),
        ("MAX_POLL_COUNT_REACHED:20", "unknown"),
    ],
)
def test_each_word_has_its_type(text: str | None, failure_type: str) -> None:
    """Every word of the rules is found, whatever its case; all else is unknown."""
    assert classify(text) == failure_type


@pytest.mark.parametrize(
    ("text", "failure_type"),
    [
        ("invalid model: network timeout", "timeout"),
        ("连接超时", "timeout"),
        ("invalid model: network", "network"),
        ("API: fetch failed", "network"),
        ("invalid model parameter", "model_error"),
        ("Grsai API error: 400 - invalid parameter", "model_error"),
    ],
)
def test_first_rule_wins(text: str, failure_type: str) -> None:
    """Where several words stand, the order of the rules decides."""
    assert classify(text) == failure_type
