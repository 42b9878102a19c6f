"""Settings in, World out: the only place where real things are built."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from random import SystemRandom

from batchctl.db import Database
from batchctl.domain.clock import SteadyClock
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.wire import Http, HttpClient
from batchctl.embedded import embedded_directory, serve
from batchctl.service.world import World
from batchctl.settings import Settings
from batchctl.store import clock
from batchctl.vault import FernetVault, new_key

sleep = time.sleep
"""The only real waiting."""
CURL_PLACES = 500
"""libcurl's wait takes no descriptors above 1023; what wants more places than this is carried by threads."""
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


def _provider_http(settings: Settings) -> Http:
    """Build the client for requests to the provider; ConfigProblem when the one that is wanted is not installed."""
    from batchctl.gateways.http import ThreadedHttp  # noqa: PLC0415 - see open_world
    from batchctl.gateways.on_demand import OnDemandHttp  # noqa: PLC0415 - see open_world

    places, ca_file = settings.provider_concurrency, settings.ca_file
    is_installed = find_spec("pycurl") is not None
    if settings.http_client is HttpClient.CURL and not is_installed:
        message = "BATCHCTL_HTTP_CLIENT is curl, but pycurl is not installed: pip install 'batchctl[fast]'"
        raise ConfigProblem(message)
    if settings.http_client is HttpClient.HTTPX or not is_installed or places > CURL_PLACES:
        return ThreadedHttp(places, ca_file=ca_file)

    def make() -> Http:
        from batchctl.gateways.curl import CurlHttp  # noqa: PLC0415 - an extra, loaded when something is sent

        return CurlHttp(places, ca_file=ca_file)

    return OnDemandHttp("curl", places, make)


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

        steady = SteadyClock()

        def now() -> datetime:
            return steady.read(lambda: db.ask(clock.now))

        def now_patiently() -> datetime:
            return steady.read(lambda: db.ask_patiently(clock.now))

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
            provider_http=stack.enter_context(closing(_provider_http(settings))),
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
