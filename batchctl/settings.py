"""The settings, read once from the environment; names, defaults and meanings are those of the contract (§3)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from batchctl import secret_file, setting_rules
from batchctl.domain.limits import LEASE_SLACK, Limits, OrphanPolicy
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.wire import HttpClient

_HOUR_S = 3600
_YEAR_S = 366 * 24 * _HOUR_S


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
        BeforeValidator(setting_rules.database_url),
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
        BeforeValidator(setting_rules.waits),
        _named("BATCH_POLL_BACKOFF_SECONDS", "the three waits between polls"),
    ] = (5.0, 15.0, 30.0)
    provider_concurrency: Annotated[
        Places, _named("BATCH_PROVIDER_CONCURRENCY", "requests to the provider in flight at once, per process")
    ] = 20
    incomplete_timeout_s: Annotated[
        Seconds,
        _named("BATCH_INCOMPLETE_TIMEOUT_SECONDS", "how long a queued batch may miss tasks before it is refused"),
    ] = 600
    http_client: Annotated[
        HttpClient,
        _named("BATCHCTL_HTTP_CLIENT", "httpx, curl (`batchctl[fast]`), or auto: curl where it is installed"),
    ] = HttpClient.AUTO
    grsai_host: Annotated[
        str,
        BeforeValidator(setting_rules.host),
        _named("GRSAI_HOST", "base URL of the provider (abroad: https://api.grsai.com)"),
    ] = "https://grsai.dakka.com.cn"
    grsai_api_key: Annotated[
        SecretStr | None,
        BeforeValidator(setting_rules.key),
        _named("GRSAI_API_KEY", "bearer token; without it nothing is claimed, submitted or polled"),
    ] = None
    grsai_timeout_ms: Annotated[TimeoutMs, _named("GRSAI_TIMEOUT_MS", "deadline of one request to the provider")] = (
        60_000
    )
    ca_file: Annotated[
        str | None,
        BeforeValidator(setting_rules.authorities),
        _named(
            "SSL_CERT_FILE", "PEM file of the authorities to trust, provider and webhooks, instead of the public ones"
        ),
    ] = None
    callback_base_url: Annotated[
        str | None,
        BeforeValidator(setting_rules.base_url),
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
        BeforeValidator(setting_rules.webhook_secret),
        _named("ENTERPRISE_WEBHOOK_SECRET", "signs webhooks; without one deliveries wait"),
    ] = None
    secrets_key: Annotated[
        SecretStr | None,
        BeforeValidator(setting_rules.sealing_keys),
        _named(
            "ENTERPRISE_WEBHOOK_SECRETS_KEY",
            "seals customers' own webhook secrets; of several, parted by commas, the first seals and each opens",
        ),
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

    @property
    def secrets_keys(self) -> tuple[str, ...]:
        """Return the keys that open customers' webhook secrets; the first one seals them."""
        return () if self.secrets_key is None else tuple(self.secrets_key.get_secret_value().split(","))

    def need_database_url(self) -> str:
        """Return where the database is; ConfigProblem when nobody said so: there is no default to fall back to."""
        if self.database_url is None:
            message = (
                "no database is set: set BATCHCTL_DATABASE_URL (or DATABASE_URL) to postgresql://user@host/name, "
                "or to `embedded` for a PostgreSQL of its own"
            )
            raise ConfigProblem(message)
        return self.database_url.get_secret_value()


def names_of(field: FieldInfo) -> list[str]:
    """Return the variables that a setting is read from, the one that counts first."""
    alias = field.validation_alias
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [str(alias)]


def is_secret(field: FieldInfo) -> bool:
    """Say whether a setting is a secret, which may also stand in a file named by its variable and _FILE."""
    return field.annotation == SecretStr | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The settings as far as they can be read."""

    settings: Settings
    """With the default in place of each value that is wrong."""
    wrong: dict[str, str]
    """By the field's name: what its value must be, which is not told itself."""


def look_at_settings() -> Look:
    """Read the environment as `read_settings` does, but go on where something is wrong."""
    named = {name: names_of(field) for name, field in Settings.model_fields.items()}
    given: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name in (name for name, field in Settings.model_fields.items() if is_secret(field)):
        try:
            found = secret_file.find(os.environ, named[name])
        except ConfigProblem as problem:
            wrong[name], given[named[name][0]] = str(problem), None
        else:
            given |= [] if found is None else [found]
    try:
        return Look(settings=Settings.model_validate(given), wrong=wrong)
    except ValidationError as error:
        for one in error.errors(include_input=False):
            name = next(name for name, names in named.items() if one["loc"][0] in names)
            wrong[name], given[named[name][0]] = _must_be(one["msg"]), Settings.model_fields[name].default
    return Look(settings=Settings.model_validate(given), wrong=wrong)


def read_settings() -> Settings:
    """Read the environment, and the files that it names for secrets.

    ConfigProblem names every variable that is wrong, and what it must be.
    """
    secrets = [names_of(field) for field in Settings.model_fields.values() if is_secret(field)]
    from_files = dict(filter(None, (secret_file.find(os.environ, names) for names in secrets)))
    try:
        return Settings.model_validate(from_files)
    except ValidationError as error:
        found = error.errors(include_input=False)
        wrong = {f"{_named_by(one['loc'][0], from_files)}: {_must_be(one['msg'])}" for one in found}
        message = "wrong settings: " + "; ".join(sorted(wrong))
        raise ConfigProblem(message) from None


def _named_by(location: object, from_files: Mapping[str, str]) -> str:
    """Return the variable that the operator has to look at: of the setting at `location` the one that was used."""
    names = next(names for names in map(names_of, Settings.model_fields.values()) if location in names)
    used = next(name for name in names if os.environ.get(name) or name in from_files)
    return used + secret_file.SUFFIX if used in from_files else used


def _must_be(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
