"""Check of a device link (`tenants.members.device_links`) when a browser opens it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tenants.auth.services import AuthServices

LINK_LIFE: Final = timedelta(hours=1)
"""Short, because the member opens the link during the call in which it was requested."""


def opens(auth: AuthServices, token: str, *, msp_id: UUID, now: datetime) -> bool:
    """Whether the token is a link's, of this MSP, and not older than an hour."""
    found = auth.devices.recognize(token, msp_id=msp_id, now=now)
    return len(found) == 1 and timedelta(0) <= now - found[0].since < LINK_LIFE
