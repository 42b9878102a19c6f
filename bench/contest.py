"""Who takes part, and in which environment."""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.shop import BATCHCTL, PEERS, Shop

ROOT = Path(__file__).parents[1]
OURS = "batchctl"
BARE = "bare loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One row of the table."""

    name: str
    """The library."""
    client: str
    """Its HTTP client."""
    module: str
    """In `bench.contestants`."""
    environment: str
    """The name of its virtual environment under .venv/, empty for our own."""
    shop: Shop | None
    """None: it needs no database."""
    in_one_job: bool = False
    """See `Assignment`."""

    @property
    def title(self) -> str:
        """Name and client, as on the command line and in the table."""
        return f"{self.name}, {self.client}{' in one job' if self.in_one_job else ''}"

    @property
    def python(self) -> Path:
        """The interpreter that runs it."""
        if not self.environment:
            return Path(sys.executable)
        return ROOT / f".venv/bench-{self.environment}/bin/python"


def _peer(name: str, client: str, *, in_one_job: bool = False) -> Contestant:
    module = f"pg_{name}"
    return Contestant(name=name, client=client, module=module, environment=name, shop=PEERS, in_one_job=in_one_job)


def _bare(client: str, module: str, environment: str) -> Contestant:
    return Contestant(name=BARE, client=client, module=module, environment=environment, shop=None)


PEER_NAMES = ("pgqueuer", "chancy", "oban", "procrastinate")
CONTESTANTS = (
    *(
        Contestant(name=OURS, client=client, module="batch_ctl", environment="", shop=BATCHCTL)
        for client in ("curl", "httpx")
    ),
    *(_peer(name, client) for client in ("aiohttp", "httpx") for name in PEER_NAMES),
    *(_peer(name, client, in_one_job=True) for client in ("aiohttp", "httpx") for name in PEER_NAMES),
    _bare("httpx", "bare_threads", ""),
    _bare("aiohttp", "bare", "bare"),
    _bare("pyreqwest", "bare", "bare"),
)
