"""Notifications that credentials of a connection expire: 30 days, 7 days and 1 day before."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.expiry import take_expiring
from governance.notices import CREDENTIALS_EXPIRE
from tenants.notifications.notify import notify


async def notify_expiring(session: AsyncSession, now: datetime) -> None:
    """A duty of each client's account, every few minutes; announces each stage once."""
    for one in await take_expiring(session, now.date()):
        path = f"{CREDENTIALS_EXPIRE.path}/{one.id}"
        params = {"connection": one.name}
        notify(session, CREDENTIALS_EXPIRE, topic=str(one.id), path=path, at=now, params=params)
