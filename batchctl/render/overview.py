"""How everything stands, on one screen of 80 columns: what an operator must see to first, then queues, then courses."""

from collections.abc import Iterator
from datetime import datetime

from batchctl.domain.overview import Overview, age
from batchctl.render.clean import clean
from batchctl.render.counted import some
from batchctl.render.drawn import HOURLY_CELLS, NONE, level, percent, sparkline
from batchctl.render.grid import Grid, Part, instant
from batchctl.render.times import span


def page(shown: Overview) -> list[Part]:
    """Show the overview."""
    return ["\n".join(_head(shown)), _queues(shown), _courses(shown)]


def figures(shown: Overview) -> Grid:
    """Return the figures as a table for programs: a name and a number each, ages in seconds."""
    queues, now = shown.queues, shown.as_of
    ages = {
        "queued_age_s": queues.queued_since,
        "unsettled_age_s": queues.unsettled_since,
        "poll_due_age_s": queues.poll_due_since,
        "delivery_due_age_s": queues.delivery_due_since,
        "orphan_age_s": queues.orphan_since,
        "last_run_age_s": None if shown.last_run is None else shown.last_run.started_at,
    }
    today = shown.days[-1]
    rows: tuple[tuple[object, ...], ...] = (
        ("queued_batches", queues.queued_count),
        ("processing_batches", queues.processing_count),
        ("unsettled_batches", queues.unsettled_count),
        ("held_batches", queues.held_batch_count),
        ("held_tasks", queues.held_task_count),
        ("pending_tasks", queues.pending_count),
        ("in_flight_tasks", queues.in_flight_count),
        ("due_polls", queues.poll_due_count),
        ("due_deliveries", queues.delivery_due_count),
        ("orphaned_tasks", queues.orphan_count),
        *((name, _seconds(since, now)) for name, since in ages.items()),
        ("succeeded_tasks_24h", shown.succeeded),
        ("failed_tasks_24h", shown.failed),
        ("success_rate_24h", shown.success_rate),
        ("frozen_credits_today", today.frozen),
        ("spent_credits_today", today.spent),
        ("refunded_credits_today", today.refunded),
        ("account_refused", int(shown.account is not None)),
        ("paused_stages", len(shown.pauses)),
    )
    return Grid(headings=("FIGURE", "VALUE"), rows=rows, numbers=("VALUE",))


def _head(shown: Overview) -> Iterator[str]:
    for pause in shown.pauses:
        since, by = instant(pause.paused_at), clean(pause.by)
        yield f"{pause.stage.upper()} IS PAUSED since {since} by {by}: {clean(pause.reason)}"
    if shown.account is not None:
        since, waiting = instant(shown.account.opened_at), some(shown.account.waiting_count, "task")
        yield f"THE PROVIDER REFUSES OUR ACCOUNT since {since}: {clean(shown.account.reason)}; {waiting} waiting"
    batches, tasks = shown.queues.held_batch_count, shown.queues.held_task_count
    held = [some(batches, "batch", "batches")] * bool(batches) + [some(tasks, "task")] * bool(tasks)
    if held:
        yield f"ON HOLD: {' and '.join(held)}; `batchctl hold list` says why"
    run = shown.last_run
    passed = "no pass has had work yet"
    if run is not None:
        ago = span(shown.as_of - run.started_at)
        passed = f"last pass {ago} ago on {clean(run.host)}, exit code {run.exit_code}"
    yield f"{instant(shown.as_of)}; {passed}"


def _queues(shown: Overview) -> Grid:
    queues, now = shown.queues, shown.as_of
    rows: tuple[tuple[object, ...], ...] = (
        ("batches queued", queues.queued_count, _age(queues.queued_since, now)),
        ("batches processing", queues.processing_count, ""),
        ("  of them to settle", queues.unsettled_count, _age(queues.unsettled_since, now)),
        ("tasks pending", queues.pending_count, ""),
        ("tasks in flight", queues.in_flight_count, ""),
        ("  of them due for a poll", queues.poll_due_count, _age(queues.poll_due_since, now)),
        ("  of them orphaned", queues.orphan_count, _age(queues.orphan_since, now)),
        ("webhook tries due", queues.delivery_due_count, _age(queues.delivery_due_since, now)),
    )
    return Grid(headings=("OPEN", "NUMBER", "OLDEST FOR"), rows=rows, numbers=("NUMBER",))


def _courses(shown: Overview) -> Grid:
    hours, days, latest, today = shown.hours, shown.days, shown.hours[-1], shown.days[-1]
    rates = [hour.succeeded / hour.finished if hour.finished else None for hour in hours]
    moved = {
        "credits frozen": ([day.frozen for day in days], today.frozen),
        "credits charged": ([day.spent for day in days], today.spent),
        "credits given back": ([day.refunded for day in days], today.refunded),
    }
    rows: tuple[tuple[object, ...], ...] = (
        (
            "tasks finished",
            latest.finished,
            shown.succeeded + shown.failed,
            sparkline([hour.finished for hour in hours], HOURLY_CELLS),
        ),
        ("success rate", percent(rates[-1]), percent(shown.success_rate), "".join(map(level, rates)) or NONE),
        *((name, now, sum(values), sparkline(values)) for name, (values, now) in moved.items()),
    )
    return Grid(
        headings=("COURSE", "LATEST", "IN ALL", "OVER TIME"),
        rows=rows,
        numbers=("LATEST", "IN ALL"),
        cut=("OVER TIME",),
        caption="tasks by hour, 24 of them; credits by day in UTC, 7",
    )


def _age(since: datetime | None, now: datetime) -> str:
    waited = age(since, now)
    return "" if waited is None else span(waited)


def _seconds(since: datetime | None, now: datetime) -> int | None:
    waited = age(since, now)
    return None if waited is None else int(waited.total_seconds())
