"""Each variable of the environment reaches what it is for, and nothing else (contract §3)."""

from datetime import timedelta

import pytest

from batchctl.domain.limits import Limits, OrphanPolicy
from batchctl.domain.provider import Submission
from batchctl.domain.webhook import Delivery
from batchctl.domain.wire import Request
from batchctl.settings import read_settings
from batchctl.wiring import open_world

NUMBERS = {
    "BATCH_WORKER_MAX_CLAIM": "2",
    "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "3",
    "BATCH_WORKER_MAX_POLL": "4",
    "BATCH_WORKER_MAX_SETTLE": "6",
    "BATCH_MAX_POLL_COUNT": "7",
    "BATCH_MAX_SUBMIT_ATTEMPTS": "8",
    "BATCH_MAX_IN_FLIGHT": "9",
    "BATCH_CLAIM_TIMEOUT_SECONDS": "900",
    "BATCH_ORPHAN_POLICY": "resubmit",
    "BATCH_ORPHAN_HOLD_SECONDS": "11",
    "BATCH_TASK_DEADLINE_SECONDS": "12",
    "BATCH_POLL_BACKOFF_SECONDS": "1, 2.5,4",
    "BATCH_INCOMPLETE_TIMEOUT_SECONDS": "13",
    "GRSAI_TIMEOUT_MS": "1400",
    "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1500",
    "ENTERPRISE_WEBHOOK_RETRIES": "16",
    "ENTERPRISE_WEBHOOK_SLOW_RETRIES": "17",
}
TASK = Submission(
    task_id="t-1",
    model=None,
    prompt="a",
    reference_url=None,
    aspect_ratio=None,
    duration=None,
    size=None,
    meta=None,
)


def test_each_variable_is_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two limits are exchanged, and none is forgotten."""
    for name, value in NUMBERS.items():
        monkeypatch.setenv(name, value)

    assert read_settings().limits == Limits(
        max_claim=2,
        max_start_per_batch=3,
        max_poll=4,
        max_settle=6,
        max_poll_count=7,
        max_submit_attempts=8,
        max_in_flight=9,
        claim_timeout=timedelta(seconds=900),
        orphan_policy=OrphanPolicy.RESUBMIT,
        orphan_hold=timedelta(seconds=11),
        task_deadline=timedelta(seconds=12),
        poll_waits_s=(1.0, 2.5, 4.0),
        incomplete_timeout=timedelta(seconds=13),
        provider_timeout_ms=1400,
        webhook_timeout_ms=1500,
        webhook_quick_retries=16,
        webhook_slow_retries=17,
    )


def test_defaults_are_those_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset and empty mean the same: the contract's defaults."""
    for name in NUMBERS:
        monkeypatch.setenv(name, "")

    assert read_settings().limits == Limits()
    assert read_settings().grsai_host == "https://grsai.dakka.com.cn"
    assert read_settings().provider_concurrency == 20


def test_a_claim_outlives_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """BATCH_CLAIM_TIMEOUT_SECONDS is at least the request's deadline and 2 s."""
    monkeypatch.setenv("BATCH_CLAIM_TIMEOUT_SECONDS", "1")

    assert read_settings().limits.claim_timeout == timedelta(seconds=62)


def test_gateways_get_their_settings(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    """Host, callback address, timeouts and the permission to send unsigned reach the requests that are built."""
    for name, value in {
        "BATCHCTL_DATABASE_URL": dsn,
        "GRSAI_HOST": "https://provider.example/v1/",
        "GRSAI_API_KEY": "sk-1",
        "GRSAI_TIMEOUT_MS": "1400",
        "BATCH_PROVIDER_CONCURRENCY": "3",
        "BATCH_CALLBACK_BASE_URL": "https://shop.example/",
        "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1500",
        "ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    delivery = Delivery(id="d", batch_id="b", url="https://customer.example", body=b"{}", secrets=[])

    with open_world(read_settings()) as world:
        submission = world.need_provider().submission(1, TASK)
        webhook = world.courier.request(1, delivery, world.clock())

        assert (submission.url, submission.timeout_ms) == ("https://provider.example/v1/video/sora-video", 1400)
        assert b'"https://shop.example/api/video/callback?task_id=t-1"' in submission.body
        assert world.provider_http.places == 3
        assert world.signs_by_default
        assert isinstance(webhook, Request)
        assert webhook.timeout_ms == 1500
        assert webhook.public_only
