"""All that speaks HTTP: the client, the providers, and the courier of webhooks."""

from collections.abc import Callable, Mapping

from batchctl.domain.provider import Provider
from batchctl.gateways.grsai import Grsai

PROVIDERS: Mapping[str, Callable[..., Provider]] = {"grsai": Grsai}
"""Every provider by its name; each is built from host, api_key, timeout_ms, callback_base_url and clock."""
