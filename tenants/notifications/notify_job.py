"""Job that writes a notification for each member whom a cause concerns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import Database, scope_of
from foundation.ids import NewId
from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.registry import Handler
from policy.cache import PolicyCache
from tenants.models import Client, Notification
from tenants.notifications.deliver import plan_deliveries
from tenants.notifications.delivery import delivery_time, wants_in_app
from tenants.notifications.job_types import NotifyMembers
from tenants.notifications.kinds import known_kinds
from tenants.notifications.recipients import find_concerned
from tenants.states import StaffAccess


@dataclass(frozen=True, slots=True)
class Notifier:
    """Dependencies of the job."""

    db: Database
    policies: PolicyCache
    new_id: NewId
    clock: Clock


def notify_handler(notifier: Notifier) -> Handler[NotifyMembers]:
    async def notify_members(batch: Batch[NotifyMembers]) -> None:
        items = [item for item in batch.items if item.payload.kind in known_kinds()]
        scope = batch.scope
        async with notifier.db.transaction(scope) as session:
            client = await session.scalar(select(Client).where(Client.tenant_id == scope.tenant_id))
        if client is not None:
            # A crash between the two transactions counts these causes twice: tolerable, since only a number is wrong.
            async with notifier.db.transaction(scope.for_tenant(scope.msp_id)) as session:
                for item in items:
                    if _concerns_staff(item.payload, client):
                        await _write(session, notifier, item, f"/clients/{client.slug}", client.name)
        async with batch.commit() as session:
            root = f"/clients/{client.slug}" if client is not None else ""
            for item in items:
                await _write(session, notifier, item, root, "")

    return notify_members


def _concerns_staff(payload: NotifyMembers, client: Client) -> bool:
    """Whether staff are notified. If the client admits staff on request only, they get only notifications that name
    their recipients.
    """
    kind = known_kinds()[payload.kind]
    return kind.staff and (bool(payload.members) or client.staff_access == StaffAccess.STANDING)


async def _write(
    session: AsyncSession, notifier: Notifier, item: ClaimedJob[NotifyMembers], root: str, account: str
) -> None:
    """Write the rows of the scope's account, and plan the deliveries outside the app."""
    payload, scope = item.payload, scope_of(session)
    kind = known_kinds()[payload.kind]
    concerned = await find_concerned(session, notifier.policies, kind, payload)
    values: dict[str, Any] = {
        "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "kind": kind.code, "topic": f"{account}|{payload.topic}",
        "params": payload.params, "list_href": root + kind.path, "account": account, "number": payload.number,
        "happened_at": payload.at,
    }  # fmt: skip
    href = root + payload.path
    now = notifier.clock()
    heard = {
        one.member_id: delivery_time(one.settings, kind, zone=one.time_zone, now=now)
        for one in concerned
        if wants_in_app(one.settings, kind)
    }
    if heard:
        counted = {member: at if at > now else None for member, at in heard.items()}
        shown = {"severity": str(kind.severity), "href": href, "partner_id": payload.partner_id}
        await _write_rows(session, notifier, counted, values | shown)
    # Job numbers are unique in the installation, and a job that runs twice keeps its number.
    planned = values | {"subject": href, "job_seq": str(item.seq)}
    await plan_deliveries(session, notifier.new_id, kind, concerned, planned, now)


async def _write_rows(
    session: AsyncSession, notifier: Notifier, members: Mapping[UUID, datetime | None], values: dict[str, Any]
) -> None:
    """Insert or update the unread row of each member. `members`: start of the bell's count by member; None: at once."""
    rows = [
        values | {"id": notifier.new_id(), "member_id": member, "counts_from": at} for member, at in members.items()
    ]
    statement = insert(Notification).values(rows)
    later = {name: statement.excluded[name] for name in ("params", "href", "happened_at")}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "member_id", "kind", "topic"],
            index_where=Notification.read_at.is_(None),
            set_={
                **later,
                "number": Notification.number + statement.excluded.number,
                "counts_from": case(
                    (or_(Notification.counts_from.is_(None), statement.excluded.counts_from.is_(None)), None),
                    else_=func.least(Notification.counts_from, statement.excluded.counts_from),
                ),
            },
        )
    )
