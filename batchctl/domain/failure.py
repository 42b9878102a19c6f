"""Why a task failed: the five types that operators count, and the rules that choose one from a text."""

from enum import StrEnum


class FailureType(StrEnum):
    """The values of `video_tasks.failure_type` (mission: Failure types)."""

    MODEL_ERROR = "model_error"
    PARAM_ERROR = "param_error"
    TIMEOUT = "timeout"
    NETWORK = "network"
    UNKNOWN = "unknown"


_TEXT_RULES: tuple[tuple[tuple[str, ...], FailureType], ...] = (
    (("timeout", "超时"), FailureType.TIMEOUT),
    (("network", "连接", "fetch failed"), FailureType.NETWORK),
    (("model", "api", "401", "403"), FailureType.MODEL_ERROR),
    (("param", "invalid", "400"), FailureType.PARAM_ERROR),
)


def classify(text: str | None) -> FailureType:
    """Choose the type of an error from its text: lower-cased, first match wins (mission: Failure types)."""
    lowered = (text or "").lower()
    for words, failure_type in _TEXT_RULES:
        if any(word in lowered for word in words):
            return failure_type
    return FailureType.UNKNOWN
