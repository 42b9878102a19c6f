"""batchctl: its own passes, in the world that `batchctl run-once` builds from the environment, until all is told.

`run-once --for` leaves a second between two questions about one task, which the provider's real answers need and this
work does not; so passes follow each other here without a gap, as a cron that never sleeps would run them. Limits are
raised by the variables that operators raise them with, so that a pass takes all there is.
"""

import os
from importlib import import_module

from batchctl.gateways.network import tls_context
from batchctl.service.run_once import run_once
from batchctl.service.world import start_pass
from batchctl.settings import read_settings
from batchctl.wiring import open_world
from bench.stage import Stage
from bench.work import API_KEY, WEBHOOK_SECRET, Assignment

MAX_PASSES = 100


def settings_of(assignment: Assignment) -> dict[str, str]:
    """Return the environment of the worker."""
    work = assignment.work
    return {
        "BATCHCTL_DATABASE_URL": assignment.dsn,
        "BATCHCTL_HTTP_CLIENT": assignment.client,
        "GRSAI_HOST": assignment.provider_url,
        "GRSAI_API_KEY": API_KEY,
        "ENTERPRISE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
        "BATCH_PROVIDER_CONCURRENCY": str(work.places),
        "BATCH_POLL_BACKOFF_SECONDS": "0,0,0",
        "BATCH_WORKER_MAX_CLAIM": str(work.batches),
        "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": str(work.tasks),
        "BATCH_WORKER_MAX_POLL": str(work.total),
        "BATCH_WORKER_MAX_SETTLE": str(work.batches),
    }


def perform(assignment: Assignment, stage: Stage) -> None:
    """Run passes until every webhook is delivered."""
    os.environ.update(settings_of(assignment))
    # What the first request would load; peers have their clients at hand before the signal, too.
    import_module("batchctl.gateways.transport")
    if assignment.client == "curl":
        import_module("batchctl.gateways.curl")
    tls_context(None)
    with open_world(read_settings()) as world:
        stage.ready()
        sent = 0
        for _ in range(MAX_PASSES):
            report = run_once(world, start_pass(world, None), _raise)
            assert not report.findings, report.findings
            sent += report.webhook.sent
            if sent == assignment.work.batches:
                break
        stage.done()


def _raise(error: Exception) -> None:
    raise error
