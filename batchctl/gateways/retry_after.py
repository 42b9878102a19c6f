"""The header Retry-After, in both of its forms (RFC 9110, section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from batchctl.domain.clock import Clock


def retry_after_s(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return how many seconds to wait, None when the header is absent, unreadable or not in the future.

    The clock is asked only when the header holds a date.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) or None
    try:
        date = parsedate_to_datetime(text)
        wait_s = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - clock().timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return wait_s if wait_s > 0 else None
