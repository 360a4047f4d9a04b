"""Generated webhook secrets: the one that a form offers, and the renewal of a source's."""

import base64
import re
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


_MADE: Final = re.compile(r"whsec_[A-Za-z0-9+/]{32}")


def make_hook_secret(new_secret: NewSecret) -> str:
    return "whsec_" + base64.b64encode(new_secret(_BYTES)).decode()


def is_made_secret(text: str) -> bool:
    """Whether `text` has the form of a generated secret."""
    return _MADE.fullmatch(text) is not None


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
    secret = make_hook_secret(new_secret)
    await rotate_hook_secret(session, runtime.vault, connection_id, secret=secret, now=now)
    return secret
