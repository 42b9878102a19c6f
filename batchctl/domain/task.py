"""Tasks: their states."""

from enum import StrEnum


class TaskStatus(StrEnum):
    """The values of `video_tasks.status`; a legacy `queued` means pending."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
