"""Members whom a cause concerns, with their notification settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.cache import PolicyCache
from policy.index import may
from tenants.accounts import get_client, get_msp
from tenants.models import Client, Member, Msp, NotificationSetting, Partner
from tenants.notifications.defaults import find_default
from tenants.notifications.delivery import settings_of
from tenants.notifications.job_types import NotifyMembers
from tenants.notifications.kinds import NotificationKind
from tenants.notifications.schemas import NotificationSettings
from tenants.states import AccountStatus, PartnerStatus


@dataclass(frozen=True, slots=True)
class Concerned:
    """A member whom a cause concerns. `time_zone` is their own, else the account's."""

    member_id: UUID
    settings: NotificationSettings
    time_zone: str


async def find_concerned(
    session: AsyncSession, policies: PolicyCache, kind: NotificationKind, payload: NotifyMembers
) -> Sequence[Concerned]:
    """Active members with the kind's permission, except the one who caused it: those of the partner that the cause
    names, if it is active, else those of no partner.
    """
    scope = scope_of(session)
    index = await policies.index_for(session, scope)
    obj, _, act = kind.permission.partition(":")
    own = NotificationSetting.tenant_id == Member.tenant_id
    statement = (
        select(Member.id, Member.time_zone, NotificationSetting)
        .outerjoin(NotificationSetting, own & (NotificationSetting.member_id == Member.id))
        .where(
            Member.tenant_id == scope.tenant_id,
            Member.status == AccountStatus.ACTIVE,
            _of_partner(payload.partner_id),
        )
        .order_by(Member.id)
    )
    account = await account_of(session)
    default = await find_default(session) if payload.partner_id is None else None
    if payload.members:
        statement = statement.where(Member.id.in_(payload.members))
    return [
        Concerned(row.id, settings_of(row.NotificationSetting or default), row.time_zone or account.time_zone or "UTC")
        for row in await session.execute(statement)
        if str(row.id) != payload.by and may(index, str(row.id), obj, act).allowed
    ]


def _of_partner(partner_id: UUID | None) -> ColumnElement[bool]:
    if partner_id is None:
        return Member.partner_id.is_(None)
    active = exists().where(
        Partner.tenant_id == Member.tenant_id, Partner.id == partner_id, Partner.status == PartnerStatus.ACTIVE
    )
    return (Member.partner_id == partner_id) & active


async def account_of(session: AsyncSession) -> Client | Msp:
    """The account of the scope."""
    scope = scope_of(session)
    return await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
