"""Figures in the text format of Prometheus, as node_exporter's textfile collector reads it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from batchctl import __version__
from batchctl.domain.backlog import Backlog
from batchctl.domain.failure import FailureType
from batchctl.domain.metrics import EndedTasks, Measured, PassMetrics
from batchctl.domain.pause import Stage

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Metric = tuple[str, str, Iterable[Sample]]
"""Name without prefix, meaning, values. All are gauges: a textfile outlives no process whose counters could grow."""

TASK_STATES = ("pending", "in_flight", "succeeded", "failed")
DELIVERY_STATES = ("pending", "retrying", "set_aside")
BATCH_ENDS = ("completed", "partial", "failed")
STEPS = ("claim", "start", "poll", "settle", "refuse", "fill", "close", "adopt")


def exposition(of_pass: PassMetrics, measured: Measured | None) -> str:
    """Write all figures; where the database could not be asked, those of the pass alone, and that it could not."""
    metrics = [*_of_pass(of_pass, is_up=measured is not None), *(_measured(measured) if measured else ())]
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name, meaning, samples = metric
    yield f"# HELP batchctl_{name} {meaning}"
    yield f"# TYPE batchctl_{name} gauge"
    for labels, value in samples:
        written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"batchctl_{name}{f'{{{written}}}' if written else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _one(value: float) -> list[Sample]:
    return [({}, value)]


def _each(label: str, values: Mapping[str, float], known: Iterable[str]) -> list[Sample]:
    """Return a value for each that is known, zero where there is none, so that no series comes and goes."""
    return [({label: name}, values.get(name, 0)) for name in known]


def _of_pass(of_pass: PassMetrics, *, is_up: bool) -> Iterator[Metric]:
    yield "info", "The version that wrote this file.", [({"version": __version__}, 1)]
    yield "database_up", "Whether the database answered after the last pass.", _one(is_up)
    yield "last_pass_timestamp_seconds", "When the last pass ended.", _one(of_pass.ended_at_s)
    if of_pass.succeeded_at_s is not None:
        meaning = "When the last pass ended that had nothing to complain of."
        yield "last_success_timestamp_seconds", meaning, _one(of_pass.succeeded_at_s)
    yield "last_exit_code", "What the last pass would have exited with: 0, 1, 69 or 78.", _one(of_pass.exit_code)
    yield "last_pass_duration_seconds", "How long the last pass took.", _one(of_pass.duration_s)


def _measured(measured: Measured) -> Iterator[Metric]:
    yield from _open(measured)
    yield from _backlog(measured.backlog, measured.now)
    stopped = dict.fromkeys(map(str, measured.paused), 1)
    yield "paused", "Whether an operator has stopped the stage.", _each("stage", stopped, Stage)
    yield from _last_hour(measured)


def _open(measured: Measured) -> Iterator[Metric]:
    rows = measured.open_batches
    batches = {row.next_step: row.batches for row in rows}
    tasks = {
        "pending": sum(row.tasks_pending for row in rows),
        "in_flight": sum(row.tasks_in_flight for row in rows),
        "succeeded": sum(row.tasks_succeeded for row in rows),
        "failed": sum(row.tasks_failed for row in rows),
    }
    deliveries = {row.state: row.deliveries for row in measured.open_deliveries}
    yield "open_batches", "Batches that have not ended, by what they wait for.", _each("step", batches, STEPS)
    yield "open_tasks", "Tasks of those batches, by state.", _each("state", tasks, TASK_STATES)
    yield "credits_frozen", "Credits frozen for those batches.", _one(sum(row.frozen_credits for row in rows))
    meaning = "Events that are neither delivered nor given up."
    yield "open_deliveries", meaning, _each("state", deliveries, DELIVERY_STATES)


def _backlog(backlog: Backlog, now: datetime) -> Iterator[Metric]:
    since = {
        "claim": backlog.claim_due_since,
        "start": backlog.start_due_since,
        "poll": backlog.poll_due_since,
        "settle": backlog.settle_due_since,
        "webhook": backlog.delivery_due_since,
    }
    ages = {work: max((now - at).total_seconds(), 0.0) for work, at in since.items() if at is not None}
    yield "oldest_due_age_seconds", "For how long the oldest work of a kind is due.", _each("work", ages, since)
    held = {"batch": backlog.held_batch_count, "task": backlog.held_task_count}
    yield "held", "What is on hold until an operator releases it.", _each("kind", held, held)
    yield "overdue_tasks", "Tasks past their deadline that nobody ended.", _one(backlog.overdue_count)
    yield "orphaned_tasks", "Submissions cut short that nobody decided.", _one(backlog.orphan_count)
    yield "unsigned_deliveries", "Events that wait for a secret.", _one(backlog.unsigned_count)


def _last_hour(measured: Measured) -> Iterator[Metric]:
    batches: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for row in measured.ended_batches:
        batches[row.status] += row.batches
        if row.webhook_status is not None:
            told[row.webhook_status] += row.batches
    spent = sum(row.credits_spent for row in measured.ended_batches)
    refunded = sum(row.credits_refunded for row in measured.ended_batches)
    yield "last_hour_batches", "Batches that ended within an hour.", _each("status", batches, BATCH_ENDS)
    yield "last_hour_deliveries", "What became of their events.", _each("state", told, (*DELIVERY_STATES[:2], *_TOLD))
    yield "last_hour_credits_spent", "Credits that those batches were charged.", _one(spent)
    yield "last_hour_credits_refunded", "Credits that those batches got back.", _one(refunded)
    tasks = sum(row.tasks for row in measured.ended_tasks if row.status == "succeeded")
    yield "last_hour_tasks_succeeded", "Tasks that succeeded within an hour.", _one(tasks)
    failures = _failures(measured.ended_tasks)
    yield "last_hour_tasks_failed", "Tasks that failed within an hour, by type.", _each("type", failures, _TYPES)


_TOLD = ("sent", "failed")
_TYPES = tuple(str(one) for one in FailureType)


def _failures(rows: Iterable[EndedTasks]) -> Counter[str]:
    """Count failures by type; a type that another program made up is unknown."""
    counted: Counter[str] = Counter()
    for row in rows:
        if row.status == "failed":
            counted[row.failure_type if row.failure_type in _TYPES else FailureType.UNKNOWN] += row.tasks
    return counted
