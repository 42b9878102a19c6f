"""`batchctl webhook test`: a signed ping to a receiver."""

from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json, OfEndpoint, OfUser, Output
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.endpoint import Address
    from batchctl.service.world import World


def ping(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="An address; with --user signed as for them.")
    ] = None,
    *,
    endpoint: OfEndpoint = None,
    user: OfUser = None,
    form: Output = None,
    json: Json = False,
) -> None:
    """Send a signed ping, as events are sent, and say what the receiver made of it; nothing is written down.

    --user alone sends it to where that customer's newest batch is told of its end. A receiver should answer 2xx to a
    type that it does not know. Exits 1 when it is not delivered.
    """
    from batchctl.render.verify import pong
    from batchctl.service import ping as service

    shape = output.chosen(form, json=json)
    ways = (endpoint is not None, url is not None or user is not None)
    if not any(ways) or all(ways):
        raise UsageProblem("say where: an address, --endpoint ENDPOINT, or --user UUID")
    with at_desk() as world:
        report = service.ping(world, _address(world, url, endpoint, user))
    output.give(report, lambda: [pong(report)], shape)
    if report.endpoint_disabled:
        output.write_error(
            f"the endpoint is disabled: `batchctl webhook endpoint enable {report.endpoint_id}` ends that"
        )
    if not report.delivered:
        output.write_error(f"error: {report.error}")
        raise typer.Exit(1)


def _address(world: "World", url: str | None, endpoint: str | None, user: OfUser) -> "Address":
    from batchctl.service import endpoint as endpoints
    from batchctl.service import ping as service

    if endpoint is not None:
        return service.at_endpoint(world, endpoints.find(world, endpoint, None))
    if url is not None:
        return service.at_url(world, url, user)
    if user is None:
        raise AssertionError  # checked before
    return service.at_customer(world, user)
