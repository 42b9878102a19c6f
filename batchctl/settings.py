"""The settings, read once from the environment; names, defaults and meanings are those of the contract (§3)."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from batchctl.domain.limits import LEASE_SLACK, Limits, OrphanPolicy
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.webhook import sign_standard

_HOUR_S = 3600
_YEAR_S = 366 * 24 * _HOUR_S


def _host(value: object) -> object:
    """Cut trailing slashes and /v1 off the provider's base URL."""
    if not isinstance(value, str):
        return value
    return _base_url(value.strip().rstrip("/").removesuffix("/v1"))


def _base_url(value: object) -> object:
    """Accept an address that requests can be sent below, without its trailing slashes."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0 and value.isprintable() and " " not in value
    except ValueError:
        usable = False
    if not usable or not value.startswith(("http://", "https://")):
        message = "must be an address such as https://host or http://host:port"
        raise ValueError(message)
    return value.rstrip("/")


def _webhook_secret(value: object) -> object:
    """Refuse a secret that nothing can be signed with; each delivery would only find out one by one."""
    if isinstance(value, str):
        try:
            sign_standard(value, "id", 0, b"")
        except ValueError as error:  # that of a malformed whsec_ secret, and that of bytes that are no text
            message = "must be text; one that begins with whsec_ must go on as base64"
            raise ValueError(message) from error
    return value


def _key(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isprintable() and " " not in value):
        message = "must be one line of printable ASCII without blanks"
        raise ValueError(message)
    return value


def _waits(value: object) -> object:
    """Read `5,15,30`."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _named(name: str, meaning: str) -> Any:  # noqa: ANN401 - the type that pydantic itself gives to Field
    return Field(validation_alias=name, description=meaning)


Count = Annotated[int, Field(ge=1, le=1_000_000)]
CountOrNone = Annotated[int, Field(ge=0, le=1_000_000)]
Places = Annotated[int, Field(ge=1, le=1000)]
Retries = Annotated[int, Field(ge=0, le=20)]
"""The twentieth quick retry would come six days after the nineteenth."""
Seconds = Annotated[int, Field(ge=1, le=_YEAR_S)]
Wait = Annotated[float, Field(ge=0, le=_HOUR_S)]
TimeoutMs = Annotated[int, Field(ge=1, le=_HOUR_S * 1000)]


class Settings(BaseSettings):
    """Every setting; a wrong value is named in the error, a secret never shown."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        frozen=True,
        extra="ignore",
    )

    database_url: Annotated[
        SecretStr | None,
        Field(
            validation_alias=AliasChoices("BATCHCTL_DATABASE_URL", "DATABASE_URL"),
            description="libpq URL or `key=value` pairs; `embedded` or `embedded:DIR` runs the bundled PostgreSQL",
        ),
    ] = None
    max_claim: Annotated[Count, _named("BATCH_WORKER_MAX_CLAIM", "batches claimed in a pass")] = 5
    max_start_per_batch: Annotated[
        Count, _named("BATCH_WORKER_MAX_START_TASKS_PER_BATCH", "tasks of one batch in flight at once")
    ] = 10
    max_poll: Annotated[Count, _named("BATCH_WORKER_MAX_POLL", "tasks polled in a pass")] = 25
    max_settle: Annotated[Count, _named("BATCH_WORKER_MAX_SETTLE", "batches settled in a pass")] = 10
    max_poll_count: Annotated[
        Count, _named("BATCH_MAX_POLL_COUNT", "answered polls after which a task fails as timeout")
    ] = 20
    max_submit_attempts: Annotated[
        Count, _named("BATCH_MAX_SUBMIT_ATTEMPTS", "answers 500, 502 or 503 to a task's submissions before it fails")
    ] = 3
    max_in_flight: Annotated[
        CountOrNone,
        _named("BATCH_MAX_IN_FLIGHT", "tasks in flight at the provider over the whole database; 0 = no limit"),
    ] = 0
    claim_timeout_s: Annotated[
        Seconds,
        _named(
            "BATCH_CLAIM_TIMEOUT_SECONDS",
            "when a claim for sending without a provider id is an orphan; at least the request's deadline + 2 s",
        ),
    ] = 300
    orphan_policy: Annotated[
        OrphanPolicy,
        _named(
            "BATCH_ORPHAN_POLICY",
            "a submission with unknown outcome: fail (and refund), resubmit (once), hold (for an operator)",
        ),
    ] = OrphanPolicy.FAIL
    orphan_hold_s: Annotated[
        Seconds,
        _named(
            "BATCH_ORPHAN_HOLD_SECONDS",
            "with a callback address: how long to wait for its answer before policy fail applies",
        ),
    ] = 1200
    task_deadline_s: Annotated[
        Seconds,
        _named("BATCH_TASK_DEADLINE_SECONDS", "an unfinished task fails so long after its first submission was tried"),
    ] = 7200
    poll_waits_s: Annotated[
        tuple[Wait, Wait, Wait],
        NoDecode,
        BeforeValidator(_waits),
        _named("BATCH_POLL_BACKOFF_SECONDS", "the three waits between polls"),
    ] = (5.0, 15.0, 30.0)
    provider_concurrency: Annotated[
        Places, _named("BATCH_PROVIDER_CONCURRENCY", "requests to the provider in flight at once, per process")
    ] = 20
    incomplete_timeout_s: Annotated[
        Seconds,
        _named("BATCH_INCOMPLETE_TIMEOUT_SECONDS", "how long a queued batch may miss tasks before it is refused"),
    ] = 600
    grsai_host: Annotated[
        str, BeforeValidator(_host), _named("GRSAI_HOST", "base URL of the provider (abroad: https://api.grsai.com)")
    ] = "https://grsai.dakka.com.cn"
    grsai_api_key: Annotated[
        SecretStr | None,
        BeforeValidator(_key),
        _named("GRSAI_API_KEY", "bearer token; without it nothing is claimed, submitted or polled"),
    ] = None
    grsai_timeout_ms: Annotated[TimeoutMs, _named("GRSAI_TIMEOUT_MS", "deadline of one request to the provider")] = (
        60_000
    )
    callback_base_url: Annotated[
        str | None,
        BeforeValidator(_base_url),
        _named(
            "BATCH_CALLBACK_BASE_URL",
            "the provider reports results to BASE/api/video/callback?task_id=ID; unset: results are polled only",
        ),
    ] = None
    webhook_retries: Annotated[
        Retries, _named("ENTERPRISE_WEBHOOK_RETRIES", "quick retries of a webhook, after 500, 1500, 3500, … ms")
    ] = 3
    webhook_slow_retries: Annotated[
        CountOrNone,
        _named(
            "ENTERPRISE_WEBHOOK_SLOW_RETRIES",
            "slow retries after those: 5 min, 30 min, 1, 2, 3, 5, 6, 8 h later, ± 20 %",
        ),
    ] = 8
    webhook_timeout_ms: Annotated[TimeoutMs, _named("ENTERPRISE_WEBHOOK_TIMEOUT_MS", "deadline of one webhook try")] = (
        5_000
    )
    webhook_secret: Annotated[
        SecretStr | None,
        BeforeValidator(_webhook_secret),
        _named("ENTERPRISE_WEBHOOK_SECRET", "signs webhooks; without one deliveries wait"),
    ] = None
    webhook_allow_insecure: Annotated[
        bool,
        _named(
            "ENTERPRISE_WEBHOOK_ALLOW_INSECURE", "allows http:// and private or loopback addresses (development, tests)"
        ),
    ] = False
    webhook_allow_unsigned: Annotated[
        bool, _named("ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED", "sends without a signature where no secret is set")
    ] = False
    worker_secret: Annotated[
        SecretStr | None, _named("INTERNAL_WORKER_SECRET", "accepted and unused, until there is an HTTP trigger")
    ] = None

    @property
    def limits(self) -> Limits:
        """Return what decisions need, as plain values."""
        request = timedelta(milliseconds=self.grsai_timeout_ms)
        return Limits(
            max_claim=self.max_claim,
            max_start_per_batch=self.max_start_per_batch,
            max_poll=self.max_poll,
            max_settle=self.max_settle,
            max_poll_count=self.max_poll_count,
            max_submit_attempts=self.max_submit_attempts,
            max_in_flight=self.max_in_flight,
            claim_timeout=max(timedelta(seconds=self.claim_timeout_s), request + LEASE_SLACK),
            orphan_policy=self.orphan_policy,
            orphan_hold=timedelta(seconds=self.orphan_hold_s),
            task_deadline=timedelta(seconds=self.task_deadline_s),
            poll_waits_s=self.poll_waits_s,
            incomplete_timeout=timedelta(seconds=self.incomplete_timeout_s),
            provider_timeout_ms=self.grsai_timeout_ms,
            webhook_timeout_ms=self.webhook_timeout_ms,
            webhook_quick_retries=self.webhook_retries,
            webhook_slow_retries=self.webhook_slow_retries,
        )

    def need_database_url(self) -> str:
        """Return where the database is; ConfigProblem when nobody said so: there is no default to fall back to."""
        if self.database_url is None:
            message = (
                "no database is set: set BATCHCTL_DATABASE_URL (or DATABASE_URL) to postgresql://user@host/name, "
                "or to `embedded` for a PostgreSQL of its own"
            )
            raise ConfigProblem(message)
        return self.database_url.get_secret_value()


def read_settings() -> Settings:
    """Read the environment; ConfigProblem names every variable that is wrong, and what it must be."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{found['loc'][0]}: {_must_be(found['msg'])}" for found in error.errors(include_input=False)]
        message = "wrong settings: " + "; ".join(sorted(set(wrong)))
        raise ConfigProblem(message) from None


def _must_be(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
