"""The diagnosis: asks the database and the provider what an operator would, and changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from batchctl.domain import backlog as judge_work
from batchctl.domain import doctor as judge
from batchctl.domain.clock import Clock
from batchctl.domain.doctor import Diagnosis, Level
from batchctl.domain.endpoint import TroubledEndpoint
from batchctl.domain.problem import Problem
from batchctl.domain.provider import Transient
from batchctl.domain.vault import UnreadableSecretError
from batchctl.service.migrate import pending
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import adoption, breaker, doctor, endpoints, pauses

GRACE = timedelta(minutes=10)
"""What a pass ends by a deadline may be so much older before nobody seems to end it."""
MODELS_SINCE = timedelta(days=7)
SHOWN_ENDPOINTS = 3
"""Of each kind that is in trouble; the list has them all."""
TRIED_SECRETS = 10_000
"""Opening so many takes less than a second."""
NO_TASK = "batchctl-doctor"
"""An id that no task of the provider has: asking for it costs nothing and shows whether the key is taken."""


def diagnose(world: World, local_clock: Clock) -> Iterator[Diagnosis]:
    """Look at the database, its work and the provider; what cannot be looked at is a failure of its own.

    `local_clock` is this machine's, to be compared with the database's, from which all times come.
    """
    try:
        before, now, after = local_clock(), world.clock(), local_clock()
        missing = pending(world.db)
    except Problem as problem:
        yield _broken("database", problem)
    else:
        if missing:
            found = f"{len(missing)} migrations are pending, the first is {missing[0].name}"
            yield Diagnosis(
                check="schema", level=Level.FAIL, found=found, advice="run `batchctl migrate`", exit_code=78
            )
        else:
            yield from _look(world, now)
        yield judge.judge_skew(before + (after - before) / 2 - now)
    yield _ask_provider(world)


def _look(world: World, now: datetime) -> Iterator[Diagnosis]:
    limits, host = world.limits, None if world.provider is None else world.provider.host

    def look(tx: Conn) -> list[Diagnosis]:
        server = doctor.server(tx)
        backlog = doctor.backlog(
            tx,
            overdue_before=now - limits.task_deadline - GRACE,
            orphaned_before=now - limits.claim_timeout - GRACE,
            missing_since=now - limits.incomplete_timeout,
            now=now,
        )
        paused = pauses.list_all(tx)
        opened = None if host is None else breaker.find(tx, provider_host=host)
        if opened is not None:  # Then nothing is claimed or sent, for a reason that has a line of its own.
            backlog = replace(backlog, claim_due_since=None, start_due_since=None)
        return [
            *judge.judge_server(server),
            Diagnosis(check="schema", level=Level.OK, found="every migration is applied"),
            judge.judge_rights(server.role_name, doctor.lacking(tx)),
            *judge.judge_outsiders(doctor.outsiders(tx)),
            *judge.judge_functions(doctor.open_functions(tx), is_adopting=_is_adopting(tx)),
            *judge_work.judge_pauses(paused, now),
            *judge_work.judge_backlog(backlog, now, {one.stage for one in paused}),
            *judge_work.judge_holds(backlog),
            *judge.judge_unreadable(*_try_to_open(world, tx, now)),
            *judge.judge_endpoints(_find_troubled(tx, now), now),
            judge_work.judge_last_run(backlog, now),
            judge.judge_account(opened, now),
            *judge.judge_models(doctor.models(tx, since=now - MODELS_SINCE), limits.max_poll_count),
        ]

    try:
        yield from world.db.survey(look)
    except Problem as problem:
        yield _broken("database", problem)


def _is_adopting(tx: Conn) -> bool:
    """Say whether the original worker may still run on this database."""
    state = adoption.state(tx)
    return state is not None and state.applied_at is None


def _find_troubled(tx: Conn, now: datetime) -> list[TroubledEndpoint]:
    before, since = now - judge.FAILING_AFTER, now - judge.STILL_FAILING
    return doctor.endpoints(tx, failing_before=before, failed_since=since, shown=SHOWN_ENDPOINTS, now=now)


def _try_to_open(world: World, tx: Conn, now: datetime) -> tuple[list[str], int]:
    """Return why secrets cannot be opened, a reason for each, and how many were tried."""
    kept = endpoints.find_sealed(tx, after=None, secret_limit=TRIED_SECRETS, now=now)
    reasons: list[str] = []
    for one in kept:
        try:
            world.vault.open(one.sealed)
        except UnreadableSecretError as error:
            reasons.append(str(error))
    return reasons, len(kept)


def _ask_provider(world: World) -> Diagnosis:
    """Ask the provider for a task that does not exist."""
    provider = world.provider
    if provider is None:
        found = "GRSAI_API_KEY is not set: nothing is claimed, submitted or polled"
        return Diagnosis(check="provider", level=Level.FAIL, found=found, advice="set it", exit_code=78)
    world.provider_http.send([provider.question(0, provider.host, NO_TASK)])
    landed = world.provider_http.collect(world.limits.provider_timeout_ms / 1000)
    if not landed:
        found = f"{provider.host} does not answer in time"
        return Diagnosis(check="provider", level=Level.FAIL, found=found, advice="ask the provider", exit_code=69)
    match provider.read_result(NO_TASK, landed[0].outcome):
        case Transient(connected=False, error=error):
            advice = "check GRSAI_HOST and this machine's way out"
            found = f"{provider.host} cannot be reached: {error}"
            return Diagnosis(check="provider", level=Level.FAIL, found=found, advice=advice, exit_code=69)
        case Transient(account_refused=True, error=error):
            found, advice = f"{provider.host} refuses the key: {error}", "check GRSAI_API_KEY"
            return Diagnosis(check="provider", level=Level.FAIL, found=found, advice=advice, exit_code=1)
        case Transient(error=error):
            found = f"{provider.host} answers strangely: {error}"
            return Diagnosis(check="provider", level=Level.WARN, found=found, advice="look again in some minutes")
        case _:
            took = f"answered in {landed[0].duration_ms} ms, by {world.provider_http.name}"
            found = f"{provider.host} takes the key and {took}"
            return Diagnosis(check="provider", level=Level.OK, found=found)


def _broken(check: str, problem: Problem) -> Diagnosis:
    return Diagnosis(check=check, level=Level.FAIL, found=str(problem), exit_code=problem.exit_code)
