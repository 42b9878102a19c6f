"""The HTTP clients that contestants on asyncio use, behind one function: post bytes, get bytes.

Imported in each contestant's own environment, which has only the clients that its requirements name.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

from bench.work import API_KEY

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[bytes]]
"""Posts a body to a path and returns the answer's body; raises for any status but 200."""

TIMEOUT_S = 60
HEADERS = {"content-type": "application/json", "authorization": f"Bearer {API_KEY}"}


@asynccontextmanager
async def open_client(name: str, base_url: str, places: int) -> AsyncIterator[Post]:
    """Give the client of that name with `places` connections, set up as its documentation says."""
    async with _CLIENTS[name](base_url, places) as post:
        yield post


@asynccontextmanager
async def _aiohttp(base_url: str, places: int) -> AsyncIterator[Post]:
    aiohttp: Any = import_module("aiohttp")
    async with aiohttp.ClientSession(
        base_url, connector=aiohttp.TCPConnector(limit=places), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
    ) as session:

        async def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
            async with session.post(path, data=body, headers=headers, raise_for_status=True) as response:
                content: bytes = await response.read()
                return content

        yield post


@asynccontextmanager
async def _httpx(base_url: str, places: int) -> AsyncIterator[Post]:
    httpx: Any = import_module("httpx")
    limits = httpx.Limits(max_connections=places, max_keepalive_connections=places)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=TIMEOUT_S, trust_env=False) as client:

        async def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
            response = await client.post(path, content=body, headers=headers)
            response.raise_for_status()
            content: bytes = response.content
            return content

        yield post


@asynccontextmanager
async def _pyreqwest(base_url: str, places: int) -> AsyncIterator[Post]:
    builder: Any = import_module("pyreqwest.client").ClientBuilder()
    client = (
        builder.base_url(base_url)
        .timeout(timedelta(seconds=TIMEOUT_S))
        .pool_max_idle_per_host(places)
        .error_for_status(enable=True)
        .no_proxy()
        .build()
    )
    async with client:

        async def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
            response = await client.post(path).headers(headers).body_bytes(body).build().send()
            return bytes(await response.bytes())

        yield post


_CLIENTS = {"aiohttp": _aiohttp, "httpx": _httpx, "pyreqwest": _pyreqwest}
