"""A signed ping to a receiver, through the guard, the courier and the wire of real deliveries; it leaves no trace."""

import json
from datetime import datetime
from typing import assert_never
from uuid import UUID

from batchctl.domain.delivery import receiver
from batchctl.domain.delivery_page import PingReport
from batchctl.domain.endpoint import Address
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.vault import UnreadableSecretError
from batchctl.domain.webhook import (
    SECRET_UNREADABLE,
    Delivered,
    Delivery,
    DeliveryAnswer,
    Gone,
    NotDelivered,
    Rejected,
)
from batchctl.domain.wire import Landed, Request
from batchctl.service.flight import fly
from batchctl.service.signing import open_all
from batchctl.service.world import World
from batchctl.store import endpoints

NO_BATCH = UUID(int=0)
"""What `x-batch-id` says where there is no batch."""


def at_url(world: World, url: str, user_id: UUID | None) -> Address:
    """Return an address as it is written, with the secrets that a customer has there, if it has any."""
    now = world.clock()
    if user_id is not None and is_storable(url):
        endpoint_id = world.db.ask(lambda tx: endpoints.find(tx, user_id, url))
        if endpoint_id is not None:
            return at_endpoint(world, endpoint_id, now)
    return Address(endpoint_id=None, url=url, is_disabled=False, secrets=())


def at_endpoint(world: World, endpoint_id: UUID, now: datetime | None = None) -> Address:
    """Return the address of an endpoint, with its secrets; Problem when it is no more."""
    at = now or world.clock()
    found = world.db.ask(lambda tx: endpoints.find_address(tx, endpoint_id, now=at))
    if found is None:
        raise Problem(f"there is no endpoint {endpoint_id} any more")
    return found


def at_customer(world: World, user_id: UUID) -> Address:
    """Return where a customer's newest batch is told of its end; UsageProblem when none asked for it."""
    now = world.clock()
    found = world.db.ask(lambda tx: endpoints.find_address_of(tx, user_id, now=now))
    if found is None:
        raise UsageProblem(f"no batch of customer {user_id} has a webhook_url: write an address")
    return found


def ping(world: World, address: Address) -> PingReport:
    """Send a ping, once, and say what the receiver made of it; a problem of ours is told as an error too."""
    now = world.clock()
    body = json.dumps({"type": "ping", "timestamp": int(now.timestamp() * 1000)}, separators=(",", ":"))
    webhook_id = str(world.new_id())
    try:
        secrets = open_all(world.vault, address.secrets)
    except UnreadableSecretError as unreadable:
        refused = NotDelivered(status=None, error=f"{SECRET_UNREADABLE}: {unreadable}")
        return _report(address, webhook_id, body, None, refused, None)
    delivery = Delivery(id=webhook_id, batch_id=str(NO_BATCH), url=address.url, body=body.encode(), secrets=secrets)
    match world.courier.request(0, delivery, now):
        case Rejected(error=error):
            return _report(address, webhook_id, body, None, NotDelivered(status=None, error=error), None)
        case request:
            landed = _carry(world, request)
            answer = world.courier.read(landed.outcome, secrets)
            return _report(address, webhook_id, body, request, answer, landed.duration_ms)


def _carry(world: World, request: Request) -> Landed:
    """Send one request and wait for what becomes of it."""
    left = [request]
    landed: list[Landed] = []

    def take(_free: int) -> list[Request]:
        return [left.pop()] if left else []

    fly(world.webhook_http, take=take, land=landed.extend, is_spent=lambda: False)
    return landed[0]


def _report(
    address: Address,
    webhook_id: str,
    body: str,
    request: Request | None,
    answer: DeliveryAnswer,
    duration_ms: int | None,
) -> PingReport:
    match answer:
        case Delivered():
            error = None
        case Gone(status=status):
            error = f"HTTP {status}: gone for good; at a real event this disables the endpoint"
        case NotDelivered(error=said):
            error = said
        case _:
            assert_never(answer)
    return PingReport(
        delivered=error is None,
        receiver=receiver(address.url),
        webhook_id=webhook_id,
        body=body,
        status_code=answer.status,
        duration_ms=duration_ms,
        error=error,
        answer=answer.answer,
        signatures=0 if request is None else len(request.headers.get("webhook-signature", "").split()),
        is_own_secret=bool(address.secrets),
        endpoint_id=address.endpoint_id,
        endpoint_disabled=address.is_disabled,
    )
