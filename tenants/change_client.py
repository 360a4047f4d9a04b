"""Changes of a client's details."""

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.names import clean_name
from foundation.web.etags import changed_meanwhile
from tenants.accounts import get_client
from tenants.audit_actions import TenantAction
from tenants.client_input import ClientChanges
from tenants.models import Client
from tenants.preferences.set_preferences import Preferences, check_preferences
from tenants.regions import check_region

_OPTIONAL: Final = ("language", "time_zone")
"""Columns that are NULL where nothing is chosen."""


async def change_client(session: AsyncSession, changes: ClientChanges, *, revision: int, now: datetime) -> Client:
    """Save changes of the scope's client that were made from `revision`, and return it.

    Raises:
        NotFound: the scope is an MSP account.
        PreconditionFailed: the client has another revision.
        InvalidInput: a part is malformed.
    """
    client = await get_client(session)
    if client.revision != revision:
        raise changed_meanwhile()
    after = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
    if "name" in after:
        after["name"] = clean_name(after["name"])
    check_preferences(Preferences(after.get("language", ""), after.get("time_zone", "")))
    check_region(after.get("region", ""))
    changed = {name: value for name, value in after.items() if value != (getattr(client, name) or "")}
    if not changed:
        return client
    stored = {name: None if name in _OPTIONAL and not value else value for name, value in changed.items()}
    own = (Client.tenant_id == scope_of(session).tenant_id, Client.revision == revision)
    statement = update(Client).where(*own).values(**stored, revision=revision + 1).returning(Client)
    saved: Client | None = await session.scalar(statement.execution_options(populate_existing=True))
    if saved is None:
        raise changed_meanwhile()
    append_audit(session, action=TenantAction.CLIENT_CHANGED, subject=f"client:{saved.tenant_id}", data=changed, at=now)
    return saved
