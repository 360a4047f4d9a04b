"""Notifications of an account's members who have chosen none. Members of trading partners choose among other kinds, so
these settings are not theirs.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.web.etags import ABSENT, require_unchanged, version_of
from tenants.mail.mailer import Portal
from tenants.models import NotificationDefault
from tenants.notifications.audit_actions import NotificationAction
from tenants.notifications.delivery import settings_of, to_stored
from tenants.notifications.inputs import check_settings
from tenants.notifications.schemas import NotificationSettings

_NO_PORTAL = Portal("", None)
"""Links in mails lead to the MSP's first host at the time of the mail."""


async def find_default(session: AsyncSession) -> NotificationDefault | None:
    """The row of the scope's account."""
    own = NotificationDefault.tenant_id == scope_of(session).tenant_id
    found: NotificationDefault | None = await session.scalar(select(NotificationDefault).where(own))
    return found


async def load_default(session: AsyncSession) -> NotificationSettings | None:
    """The settings of the scope's account; None if it has none."""
    found = await find_default(session)
    return None if found is None else settings_of(found)


async def load_defaults(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, NotificationSettings]:
    """Settings by account; those without any are omitted. Scope: the fleet, or the one account."""
    rows = await session.scalars(select(NotificationDefault).where(NotificationDefault.tenant_id.in_(ids)))
    return {row.tenant_id: settings_of(row) for row in rows}


async def save_default(session: AsyncSession, chosen: NotificationSettings, *, now: datetime) -> None:
    """Set the notifications of the account's members who have chosen none, from the next cause on.

    Raises:
        InvalidInput: see `check_settings`.
    """
    check_settings(chosen)
    scope = scope_of(session)
    values = {
        "muted": sorted(set(chosen.muted)), "least_severity": chosen.least_severity,
        "delivery": msgspec.to_builtins(to_stored(chosen, _NO_PORTAL)),
    }  # fmt: skip
    statement = insert(NotificationDefault).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=dict(values)))
    append_audit(
        session, action=NotificationAction.DEFAULTS_CHANGED, subject=f"account:{scope.tenant_id}",
        data=msgspec.to_builtins(chosen), at=now,
    )  # fmt: skip


async def clear_default(session: AsyncSession, *, now: datetime) -> None:
    """Remove them: members who have chosen none get everything in the app, and no mails. Idempotent."""
    scope = scope_of(session)
    own = NotificationDefault.tenant_id == scope.tenant_id
    gone = await session.scalar(delete(NotificationDefault).where(own).returning(NotificationDefault.tenant_id))
    if gone is not None:
        append_audit(
            session, action=NotificationAction.DEFAULTS_REMOVED, subject=f"account:{scope.tenant_id}", data={}, at=now
        )


def default_version(found: NotificationSettings | None) -> str:
    return ABSENT if found is None else version_of(found)


async def require_default_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return default_version(await load_default(session))

    await require_unchanged(session, "notification_default", sent, read)
