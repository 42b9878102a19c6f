"""Customers' webhook endpoints as a list, and what is said when one was changed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from batchctl.domain.endpoint import Act, EndpointLine, EndpointList, EndpointReport, ResealReport, SecretLine
from batchctl.render.grid import Grid, instant

_DEFAULT = "the default one"


class State(StrEnum):
    """How an endpoint stands."""

    ACTIVE = "active"
    FAILING = "failing"
    """Its last try failed."""
    DISABLED = "disabled"


def table(report: EndpointList) -> Grid:
    """Show endpoints; on a narrow terminal the customer and the secrets give way, long words are cut."""
    headings = ("ENDPOINT", "CUSTOMER", "RECEIVER", "STATE", "SINCE", "WAITING", "SECRETS", "REASON")
    rows = tuple(
        (
            line.id,
            line.user_id,
            line.receiver.removeprefix("https://"),
            state(line),
            line.disabled_at or line.failing_since,
            line.waiting_count,
            ", ".join(one.fingerprint for one in line.secrets) or _DEFAULT,
            line.disabled_reason,
        )
        for line in report.endpoints
    )
    spare = ("CUSTOMER", "SECRETS", "WAITING")
    return Grid(headings=headings, rows=rows, numbers=("WAITING",), cut=("RECEIVER", "REASON"), spare=spare)


def lines(report: EndpointList) -> Grid:
    """List endpoints with all that is known of them."""
    headings = (
        *(
            "ENDPOINT",
            "CUSTOMER",
            "RECEIVER",
            "STATE",
            "FAILING SINCE",
            "DISABLED",
            "BY",
            "REASON",
            "WAITING",
            "SECRETS",
        ),
    )
    rows = tuple(
        (
            line.id,
            line.user_id,
            line.receiver,
            state(line),
            line.failing_since,
            line.disabled_at,
            line.disabled_by,
            line.disabled_reason,
            line.waiting_count,
            secrets(line.secrets) or _DEFAULT,
        )
        for line in report.endpoints
    )
    return Grid(headings=headings, rows=rows)


def state(line: EndpointLine) -> State:
    """Say in a word how an endpoint stands."""
    if line.disabled_at is not None:
        return State.DISABLED
    return State.ACTIVE if line.failing_since is None else State.FAILING


def secrets(some: Iterable[SecretLine]) -> str:
    """Name secrets by their fingerprints, with how long they last."""
    return ", ".join(map(_secret, some))


def said(report: EndpointReport) -> str:
    """Say in lines what was done to an endpoint, and what follows."""
    return "\n".join(_said(report))


def resealed(report: ResealReport) -> str:
    """Say what sealing all secrets anew came to."""
    told = f"{report.resealed} secrets are sealed with the first key"
    if not report.unreadable:
        return f"{told}: the other keys can go"
    return f"{told}; {report.unreadable} cannot be opened with any key and stay as they are"


def _said(report: EndpointReport) -> Iterator[str]:
    line = report.endpoint
    whose = f"endpoint {line.id} of customer {line.user_id} at {line.receiver or 'an address that is none'}"
    match report.act:
        case Act.ADD | Act.ROTATE:
            yield f"{whose} signs with {secrets(line.secrets)}"
            if report.secret is not None:
                yield "the new secret is shown this once: hand it to the customer"
            if line.disabled_at is not None:
                yield f"the endpoint is disabled ({line.disabled_reason}): `batchctl webhook endpoint enable` ends that"
        case Act.DISABLE:
            how = "is disabled" if report.changed or line.disabled_at is None else _before(line.disabled_at)
            yield f"{whose} {how} ({line.disabled_reason}): its events are kept until it is enabled"
        case Act.REMOVE:
            how = "is removed" if report.changed else "would be removed"
            yield f"{whose} {how} with its secrets: the default secret signs for it from then on"
        case Act.ENABLE:
            yield f"{whose} {'is enabled' if report.changed else 'was not disabled'}"
            if report.released:
                yield f"{report.released} events that had waited for it are due from now on, the oldest first"


def _before(disabled_at: datetime) -> str:
    return f"was disabled before, {instant(disabled_at)}"


def _secret(secret: SecretLine) -> str:
    since = f"{secret.fingerprint} of {secret.created_at:%Y-%m-%d}"
    return since if secret.expires_at is None else f"{since} until {instant(secret.expires_at)}"
