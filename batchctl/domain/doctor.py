"""What is asked when something seems wrong, how each answer is judged, and what to do about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from batchctl.domain.breaker import OpenBreaker
from batchctl.domain.delivery import receiver
from batchctl.domain.endpoint import FAILING_TOO_LONG, TroubledEndpoint
from batchctl.domain.report import EXIT_ORDER

SKEW_MAX = timedelta(seconds=30)
NEAR_LIMIT = 0.8
"""A model of which one video in twenty needs more than this share of the polls is near the limit."""
ENOUGH = 20
"""Fewer videos of a model say nothing of what it needs."""
SHORT_SECRET = 16
FAILING_AFTER = timedelta(days=1)
"""An endpoint that takes nothing for longer is named: its customer may not know yet."""
STILL_FAILING = timedelta(days=2)
"""An endpoint that was not tried for longer is of the past: its customer has moved, or orders nothing."""
NEWS_FOR = timedelta(days=7)
"""So long an endpoint that was disabled is to be looked at, though nothing waits for it."""


class Level(StrEnum):
    """How an answer is judged."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line: what was looked at, what was found, what to do."""

    check: str
    level: Level
    found: str
    advice: str = ""
    exit_code: int = 0
    """What a failure asks for: 1, 69 or 78 (contract §6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All lines, in the order in which they were looked at."""

    schema: str = "batchctl/doctor/1"
    diagnoses: tuple[Diagnosis, ...]

    @property
    def exit_code(self) -> int:
        """The first of 78, 69 and 1 that a failure asks for; 0 without one, warnings or not."""
        asked = {diagnosis.exit_code for diagnosis in self.diagnoses if diagnosis.level is Level.FAIL}
        return next((code for code in EXIT_ORDER if code in asked), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The database server as the session sees it."""

    version: str
    role_name: str
    is_local: bool
    is_encrypted: bool
    may_rewrite_ledger: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingRight:
    """A right on a table that a worker needs and the role has not."""

    relation: str
    privilege: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outsider:
    """A role besides the owner's and the worker's that may write states or money."""

    role_name: str
    relation: str
    privilege: str
    columns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFunction:
    """A function with its owner's rights that writes states or money, and may be called by whoever is there."""

    function_name: str
    """With the types of its parameters."""
    is_original: bool
    """Whether the original worker brought it: it asks nobody who calls."""
    open_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolls:
    """How many polls a model's videos needed lately."""

    model: str
    succeeded_count: int
    polls_p95: int | None
    cut_off_count: int
    late_count: int


def judge_secret(name: str, secret: str | None, advice: str) -> Diagnosis:
    """Judge a secret by what can be said without saying it: set or not, long enough, no placeholder."""
    if secret is None:
        return Diagnosis(check=name, level=Level.WARN, found="not set", advice=advice)
    if not secret.strip(". ") or secret.lower() in {"changeme", "secret", "password"}:
        found = "still the placeholder that everybody knows"
        return Diagnosis(check=name, level=Level.FAIL, found=found, advice="set a random one", exit_code=78)
    if len(secret) < SHORT_SECRET:
        found = f"shorter than {SHORT_SECRET} characters"
        return Diagnosis(check=name, level=Level.WARN, found=found, advice="set a longer random one")
    return Diagnosis(check=name, level=Level.OK, found="set")


def judge_server(server: Server) -> Iterator[Diagnosis]:
    """Judge how the database is reached, and by whom."""
    found = f"PostgreSQL {server.version} as {server.role_name}, "
    if server.is_local or server.is_encrypted:
        how = "encrypted" if server.is_encrypted else "on a local socket"
        yield Diagnosis(check="database", level=Level.OK, found=found + how)
    else:
        advice = "add sslmode=verify-full to BATCHCTL_DATABASE_URL"
        yield Diagnosis(check="database", level=Level.WARN, found=found + "not encrypted", advice=advice)
    if server.may_rewrite_ledger:
        found = f"{server.role_name} may do more than a worker needs, among it rewrite the ledger"
        advice = "let the worker connect as a role made by `batchctl migrate --role batch_worker`"
        yield Diagnosis(check="rights", level=Level.WARN, found=found, advice=advice)


def judge_rights(role_name: str, lacking: Iterable[LackingRight]) -> Diagnosis:
    """Judge whether the role may do what a worker must."""
    missing = ", ".join(f"{right.privilege} on {right.relation}" for right in lacking)
    if missing:
        advice = "run the script of `batchctl migrate --role batch_worker` as the owner of the tables"
        found = f"{role_name} lacks {missing}"
        return Diagnosis(check="rights", level=Level.FAIL, found=found, advice=advice, exit_code=78)
    return Diagnosis(check="rights", level=Level.OK, found=f"{role_name} may do all that a worker must")


def judge_outsiders(outsiders: Iterable[Outsider]) -> Iterator[Diagnosis]:
    """Judge who else may write states and money: a customer who fails its own tasks is refunded for them."""
    for one in outsiders:
        found = f"role {one.role_name} may {one.privilege} {one.relation} ({one.columns})"
        whom = "public" if one.role_name == "public" else f'"{one.role_name}"'
        advice = f"unless it is trusted with money: revoke {one.privilege} on {one.relation} from {whom}"
        is_world = one.role_name in {"public", "anon", "authenticated"}
        level = Level.FAIL if is_world else Level.WARN
        yield Diagnosis(check="outsiders", level=level, found=found, advice=advice, exit_code=1 if is_world else 0)


def judge_functions(functions: Iterable[OpenFunction], *, is_adopting: bool) -> Iterator[Diagnosis]:
    """Judge which functions let everybody do what no role may; the original's do, until adoption is applied."""
    for one in functions:
        whom = "everybody" if one.open_to == "public" else one.open_to
        found = f"function {one.function_name} writes states or money with its owner's rights, and {whom} may call it"
        advice = f"revoke execute on function {one.function_name} from {one.open_to}"
        if not one.is_original:
            advice = f"unless it asks who calls: {advice}"
        elif is_adopting:
            advice += " and grant it to the original worker's role; `batchctl migrate --apply-adoption` revokes it too"
        level = Level.FAIL if one.is_original else Level.WARN
        exit_code = 1 if one.is_original else 0
        yield Diagnosis(check="outsiders", level=level, found=found, advice=advice, exit_code=exit_code)


def judge_skew(skew: timedelta) -> Diagnosis:
    """Judge this machine's clock; nothing but a reader of logs depends on it, for all times are the database's."""
    found = f"{abs(skew.total_seconds()):.1f} s {'behind' if skew < timedelta(0) else 'ahead of'} the database's"
    if abs(skew) <= SKEW_MAX:
        return Diagnosis(check="clock", level=Level.OK, found=found)
    advice = "receivers refuse webhooks whose time is off by minutes: see which clock is wrong, and set it"
    return Diagnosis(check="clock", level=Level.WARN, found=found, advice=advice)


def judge_endpoints(endpoints: Iterable[TroubledEndpoint], now: datetime) -> Iterator[Diagnosis]:
    """Judge which customers' receivers are told nothing at present; that is no failure of ours."""
    endpoints = list(endpoints)
    disabled, failing = ([one for one in endpoints if one.is_disabled is kind] for kind in (True, False))
    if disabled:
        first = disabled[0]
        found = (
            f"{first.alike_count} disabled, {first.alike_waiting_count} events wait for them: {_some(disabled, now)}"
        )
        is_news = first.alike_waiting_count > 0 or now - first.since < NEWS_FOR
        advice = "`batchctl webhook endpoint enable ENDPOINT` when its customer has mended it" if is_news else ""
        yield Diagnosis(check="endpoints", level=Level.WARN if is_news else Level.OK, found=found, advice=advice)
    if failing:
        found = f"{failing[0].alike_count} take nothing: {_some(failing, now)}"
        advice = f"tell the customer; after {FAILING_TOO_LONG.days} days it is disabled"
        yield Diagnosis(check="endpoints", level=Level.WARN, found=found, advice=advice)


def judge_unreadable(unreadable: Iterable[str], looked_at: int) -> Iterator[Diagnosis]:
    """Judge whether customers' sealed secrets can be opened; `unreadable` says of each that cannot why."""
    reasons = list(unreadable)
    if reasons:
        found = f"{len(reasons)} of {looked_at} secrets of customers cannot be opened: {reasons[0]}"
        advice = "give ENTERPRISE_WEBHOOK_SECRETS_KEY the key that sealed them; their deliveries wait"
        yield Diagnosis(check="secrets", level=Level.FAIL, found=found, advice=advice, exit_code=78)
    elif looked_at:
        yield Diagnosis(check="secrets", level=Level.OK, found=f"{looked_at} secrets of customers can be opened")


def _some(endpoints: Iterable[TroubledEndpoint], now: datetime) -> str:
    endpoints = list(endpoints)
    named = [
        f"{str(one.id)[:8]} {receiver(one.receiver)} since {age_of(now - one.since)}"
        + (f" ({one.reason})" if one.reason else "")
        for one in endpoints
    ]
    return ", ".join(named) + (", …" if endpoints[0].alike_count > len(endpoints) else "")


def judge_account(breaker: OpenBreaker | None, now: datetime) -> Diagnosis:
    """Judge whether the provider takes our account."""
    if breaker is None:
        return Diagnosis(check="account", level=Level.OK, found="not refused by the provider")
    found = (
        f"refused since {age_of(now - breaker.opened_at)} ({breaker.reason}): {breaker.waiting_count} tasks wait, "
        f"{breaker.probe_count} probes were refused"
    )
    advice = "check GRSAI_API_KEY and the balance; the next probe finds out by itself"
    return Diagnosis(check="account", level=Level.FAIL, found=found, advice=advice, exit_code=1)


def judge_models(models: Iterable[ModelPolls], max_poll_count: int) -> Iterator[Diagnosis]:
    """Judge whether the limit of polls leaves each model the time that its videos really need."""
    for one in models:
        need = one.polls_p95 or 0
        is_near = one.succeeded_count >= ENOUGH and need > NEAR_LIMIT * max_poll_count
        if not (one.late_count or is_near):
            continue
        found = (
            f"{one.model or 'without a name'}: of {one.succeeded_count} videos 95 % came within {need} of "
            f"{max_poll_count} polls; cut off by the limit: {one.cut_off_count}, of those came late: {one.late_count}"
        )
        advice = "raise BATCH_MAX_POLL_COUNT, or lengthen BATCH_POLL_BACKOFF_SECONDS"
        yield Diagnosis(check="poll limit", level=Level.WARN, found=found, advice=advice)


def age_of(age: timedelta) -> str:
    """Write an age in its largest unit that says enough."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
