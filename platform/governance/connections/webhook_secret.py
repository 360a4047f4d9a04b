"""Renewal of a source's webhook secret."""

import base64
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, rotate_hook_secret
from connectors.runtime import ConnectorRuntime
from foundation.errors import Conflict
from foundation.marks import N_
from tenants.secrets import NewSecret

_BYTES: Final = 24


async def renew_hook_secret(
    session: AsyncSession, runtime: ConnectorRuntime, connection_id: UUID, *, new_secret: NewSecret, now: datetime
) -> str:
    """Return the new secret to enter in the sending system, shown only once. The previous one stays valid until the
    next renewal.

    Raises:
        Conflict: the connector receives no webhooks.
    """
    connection = await get_connection(session, connection_id)
    if runtime.registry[connection.kind].webhook is None:
        raise Conflict(N_("This connection takes no webhooks, so it has no secret for them."))
    secret = "whsec_" + base64.b64encode(new_secret(_BYTES)).decode()
    await rotate_hook_secret(session, runtime.vault, connection_id, secret=secret, now=now)
    return secret
