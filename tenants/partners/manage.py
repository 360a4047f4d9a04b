"""Use cases of trading partners, in the scope of a client."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.names import clean_name
from tenants.models import Member, Partner
from tenants.partners.audit_actions import PartnerAction
from tenants.partners.schemas import PartnerView
from tenants.states import PARTNERS, PartnerKind, PartnerStatus

LISTED: Final = 100
"""Members that a partner's page lists; the list of members has all."""
_MEMBERS: Final = (
    select(func.count())
    .where(Member.tenant_id == Partner.tenant_id, Member.partner_id == Partner.id)
    .scalar_subquery()
    .label("members")
)


async def create_partner(
    session: AsyncSession, *, partner_id: UUID, name: str, kind: PartnerKind, now: datetime
) -> Partner:
    scope, name = scope_of(session), clean_name(name)
    partner: Partner | None = await session.scalar(
        insert(Partner)
        .values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=partner_id, name=name, kind=kind,
            status=PARTNERS.start(PartnerStatus.ACTIVE), created_at=now,
        )
        .returning(Partner)
    )  # fmt: skip
    _audit(session, PartnerAction.PARTNER_CREATED, partner_id, now, name=name, kind=kind)
    assert partner is not None  # noqa: S101 - an INSERT without ON CONFLICT returns its row or raises
    return partner


async def change_partner(
    session: AsyncSession, partner_id: UUID, *, name: str, kind: PartnerKind | None, now: datetime
) -> None:
    """Rename a partner, or correct its kind; None keeps it. Raises NotFound, InvalidInput."""
    found, name = await get_partner(session, partner_id, lock=True), clean_name(name)
    kind = kind or PartnerKind.of(found.kind)
    if (found.name, found.kind) == (name, kind):
        return
    await _update(session, partner_id, name=name, kind=kind)
    _audit(session, PartnerAction.PARTNER_CHANGED, partner_id, now, name=name, kind=kind)


async def suspend_partner(session: AsyncSession, partner_id: UUID, *, now: datetime) -> None:
    """Refuse the partner's members from their next request on. The channel continues. Raises NotFound."""
    await _set_status(session, partner_id, PartnerStatus.SUSPENDED, PartnerAction.PARTNER_SUSPENDED, now)


async def resume_partner(session: AsyncSession, partner_id: UUID, *, now: datetime) -> None:
    """Let the partner's members sign in again. Raises NotFound."""
    await _set_status(session, partner_id, PartnerStatus.ACTIVE, PartnerAction.PARTNER_RESUMED, now)


async def list_partners(session: AsyncSession) -> Sequence[Partner]:
    statement = select(Partner).where(Partner.tenant_id == scope_of(session).tenant_id)
    return (await session.scalars(statement.order_by(Partner.name, Partner.id))).all()


async def view_partners(session: AsyncSession, partner_id: UUID | None = None) -> Sequence[PartnerView]:
    """All partners by name with the number of their members, or one. Raises NotFound."""
    statement = select(Partner, _MEMBERS).where(Partner.tenant_id == scope_of(session).tenant_id)
    if partner_id is not None:
        statement = statement.where(Partner.id == partner_id)
    rows = (await session.execute(statement.order_by(Partner.name, Partner.id))).all()
    if partner_id is not None and not rows:
        raise NotFound
    return [
        PartnerView(one.id, one.name, PartnerKind.of(one.kind), PartnerStatus.of(one.status), members, one.created_at)
        for one, members in rows
    ]


async def list_partner_members(session: AsyncSession, partner_id: UUID) -> Sequence[Member]:
    """The partner's members by name, at most LISTED."""
    statement = select(Member).where(Member.tenant_id == scope_of(session).tenant_id, Member.partner_id == partner_id)
    return (await session.scalars(statement.order_by(Member.name, Member.id).limit(LISTED))).all()


async def get_partner(session: AsyncSession, partner_id: UUID, *, lock: bool = False) -> Partner:
    """Raises NotFound."""
    statement = select(Partner).where(Partner.tenant_id == scope_of(session).tenant_id, Partner.id == partner_id)
    found = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound
    return found


async def _set_status(
    session: AsyncSession, partner_id: UUID, status: PartnerStatus, action: PartnerAction, now: datetime
) -> None:
    """Set a partner's status. Nothing happens if the partner has the status already."""
    found = await get_partner(session, partner_id, lock=True)
    if found.status == status:
        return
    await _update(session, partner_id, status=PARTNERS.move(found.status, status))
    _audit(session, action, partner_id, now, name=found.name)


async def _update(session: AsyncSession, partner_id: UUID, **values: object) -> None:
    own = (Partner.tenant_id == scope_of(session).tenant_id, Partner.id == partner_id)
    await session.execute(update(Partner).where(*own).values(values))


def _audit(session: AsyncSession, action: PartnerAction, partner_id: UUID, now: datetime, **data: str) -> None:
    append_audit(session, action=action, subject=f"partner:{partner_id}", data=data, at=now)
