"""Settings in, World out: the only place where real things are built."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from random import SystemRandom

from batchctl.db import Database
from batchctl.embedded import embedded_directory, serve
from batchctl.service.world import World
from batchctl.settings import Settings
from batchctl.store import clock
from batchctl.vault import FernetVault, new_key

sleep = time.sleep
"""The only real waiting."""
WEBHOOK_PLACES = 50
"""Webhook tries in flight at once: a dead receiver takes its place for 5 s, and must not hold up the others."""


def local_clock() -> datetime:
    """Return this machine's time: for comparison only, for all times come from the database."""
    return datetime.now(UTC)


def new_sealing_key() -> str:
    """Make a key for ENTERPRISE_WEBHOOK_SECRETS_KEY."""
    return new_key(SystemRandom())


@contextmanager
def open_database(settings: Settings, *, session: dict[str, str] | None = None) -> Iterator[Database]:
    """Give the database that the settings name, and close it; an embedded one runs for so long.

    Raises ConfigProblem when none is named or it cannot be used, UnreachableProblem when nobody answers.
    """
    url = settings.need_database_url()
    directory = embedded_directory(url)
    with ExitStack() as stack:
        conninfo = url if directory is None else stack.enter_context(serve(directory))
        yield stack.enter_context(closing(Database(conninfo, sleep, session=session)))


@contextmanager
def open_world(settings: Settings) -> Iterator[World]:
    """Build everything that a pass needs; connections and threads come only when they are used."""
    # The gateways are imported here so that commands which speak to nobody never load them.
    from batchctl.gateways import PROVIDERS  # noqa: PLC0415 - see above
    from batchctl.gateways.courier import Courier  # noqa: PLC0415 - see above
    from batchctl.gateways.http import ThreadedHttp  # noqa: PLC0415 - see above

    with ExitStack() as stack:
        db = stack.enter_context(open_database(settings))
        key, secret = settings.grsai_api_key, settings.webhook_secret

        def now() -> datetime:
            return db.ask(clock.now)

        def now_patiently() -> datetime:
            return db.ask_patiently(clock.now)

        yield World(
            db=db,
            clock=now,
            patient_clock=now_patiently,
            sleep=sleep,
            random=SystemRandom(),
            limits=settings.limits,
            provider=None
            if key is None
            else PROVIDERS["grsai"](
                host=settings.grsai_host,
                api_key=key.get_secret_value(),
                timeout_ms=settings.grsai_timeout_ms,
                callback_base_url=settings.callback_base_url,
                clock=now_patiently,
            ),
            provider_http=stack.enter_context(
                closing(ThreadedHttp(settings.provider_concurrency, ca_file=settings.ca_file))
            ),
            courier=Courier(
                timeout_ms=settings.webhook_timeout_ms,
                allow_insecure=settings.webhook_allow_insecure,
                allow_unsigned=settings.webhook_allow_unsigned,
                default_secret=None if secret is None else secret.get_secret_value(),
                clock=now_patiently,
            ),
            webhook_http=stack.enter_context(
                closing(ThreadedHttp(WEBHOOK_PLACES, ca_file=settings.ca_file, ours=lambda: db.addresses))
            ),
            vault=FernetVault(settings.secrets_keys),
            signs_by_default=secret is not None or settings.webhook_allow_unsigned,
        )
