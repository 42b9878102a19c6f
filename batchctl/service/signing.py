"""What may go out, signed with which secrets; and what waits instead, for a secret or for its endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from batchctl.domain.vault import UnreadableSecretError, Vault
from batchctl.domain.webhook import SECRET_MISSING, SECRET_UNREADABLE
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Locked deliveries by what can be done about them."""

    ready: Mapping[UUID, Sequence[str]] = field(repr=False)
    """Those that may go out, with the secrets of their endpoints; none: the default secret signs."""
    unsigned: Sequence[tuple[UUID, str]]
    """Those that cannot be signed, with why."""
    disabled: Mapping[UUID, UUID]
    """Those whose endpoint is disabled, with that."""


def sort_out(world: World, tx: Conn, ids: Sequence[UUID], now: datetime) -> Sorted:
    """See what can be done about locked deliveries. A secret that cannot be opened is replaced by no other."""
    ready: dict[UUID, Sequence[str]] = {}
    unsigned: list[tuple[UUID, str]] = []
    disabled: dict[UUID, UUID] = {}
    for one in endpoints.find_signers(tx, ids, now=now):
        if one.disabled_endpoint is not None:
            disabled[one.delivery_id] = one.disabled_endpoint
        elif one.secrets or world.signs_by_default:
            try:
                ready[one.delivery_id] = open_all(world.vault, one.secrets)
            except UnreadableSecretError:
                unsigned.append((one.delivery_id, SECRET_UNREADABLE))
        else:
            unsigned.append((one.delivery_id, SECRET_MISSING))
    return Sorted(ready=ready, unsigned=unsigned, disabled=disabled)


def open_all(vault: Vault, kept: Sequence[str]) -> Sequence[str]:
    """Open secrets; UnreadableSecretError when one of them cannot be opened."""
    return [vault.open(one) for one in kept]
