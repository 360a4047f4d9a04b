"""Job that writes a notification for each member whom a cause concerns."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, scope_of
from foundation.ids import NewId
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from policy.cache import PolicyCache
from policy.index import may
from tenants.models import Client, Member, Notification, NotificationSetting
from tenants.notifications.kinds import NoticeSeverity, NotificationKind, known_kinds
from tenants.notifications.notify import NotifyMembers
from tenants.states import AccountStatus, StaffAccess


@dataclass(frozen=True, slots=True)
class Notifier:
    """What the job needs."""

    db: Database
    policies: PolicyCache
    new_id: NewId


def notify_handler(notifier: Notifier) -> Handler[NotifyMembers]:
    async def notify_members(batch: Batch[NotifyMembers]) -> None:
        payloads = [item.payload for item in batch.items if item.payload.kind in known_kinds()]
        scope = batch.scope
        async with notifier.db.transaction(scope) as session:
            client = await session.scalar(select(Client).where(Client.tenant_id == scope.tenant_id))
        if client is not None:
            # A crash between the two transactions counts these causes twice, which the reader can bear.
            async with notifier.db.transaction(scope.for_tenant(scope.msp_id)) as session:
                for payload in payloads:
                    if _concerns_staff(payload, client):
                        await _write(session, notifier, payload, f"/clients/{client.slug}", client.name)
        async with batch.commit() as session:
            root = f"/clients/{client.slug}" if client is not None else ""
            for payload in payloads:
                await _write(session, notifier, payload, root, "")

    return notify_members


def _concerns_staff(payload: NotifyMembers, client: Client) -> bool:
    """Whether staff are notified. Of a client that admits them on request only, they get only what is addressed to them
    by name.
    """
    kind = known_kinds()[payload.kind]
    return kind.staff and (bool(payload.members) or client.staff_access == StaffAccess.STANDING)


async def _write(session: AsyncSession, notifier: Notifier, payload: NotifyMembers, root: str, account: str) -> None:
    """Write the rows of the scope's account."""
    kind, scope = known_kinds()[payload.kind], scope_of(session)
    values = {
        "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "kind": kind.code, "severity": str(kind.severity),
        "topic": f"{account}|{payload.topic}", "params": payload.params, "href": root + payload.path,
        "list_href": root + kind.path, "account": account, "number": payload.number, "happened_at": payload.at,
    }  # fmt: skip
    rows = [
        values | {"id": notifier.new_id(), "member_id": member}
        for member in await _recipients(session, notifier, kind, payload)
    ]
    if not rows:
        return
    statement = insert(Notification).values(rows)
    later = {name: statement.excluded[name] for name in ("params", "href", "happened_at")}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "member_id", "kind", "topic"],
            index_where=Notification.read_at.is_(None),
            set_={**later, "number": Notification.number + statement.excluded.number},
        )
    )


async def _recipients(
    session: AsyncSession, notifier: Notifier, kind: NotificationKind, payload: NotifyMembers
) -> Sequence[UUID]:
    """Active members with the kind's permission who have not muted it, except the one who caused it and partners'
    members.
    """
    scope = scope_of(session)
    index = await notifier.policies.index_for(session, scope)
    obj, _, act = kind.permission.partition(":")
    own = NotificationSetting.tenant_id == Member.tenant_id
    statement = (
        select(Member.id, NotificationSetting.muted, NotificationSetting.least_severity)
        .outerjoin(NotificationSetting, own & (NotificationSetting.member_id == Member.id))
        .where(
            Member.tenant_id == scope.tenant_id,
            Member.status == AccountStatus.ACTIVE,
            Member.partner_id.is_(None),
        )
        .order_by(Member.id)
    )
    if payload.members:
        statement = statement.where(Member.id.in_(payload.members))
    found = []
    for row in await session.execute(statement):
        quiet = kind.code in (row.muted or ()) or (
            row.least_severity is not None and kind.severity.rank < NoticeSeverity.of(row.least_severity).rank
        )
        if not quiet and str(row.id) != payload.by and may(index, str(row.id), obj, act).allowed:
            found.append(row.id)
    return found
