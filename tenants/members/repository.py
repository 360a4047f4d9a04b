"""Members of the scope's tenant."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.errors import Conflict, NotFound
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from tenants.audit_actions import TenantAction
from tenants.emails import clean_email
from tenants.errors import EmailTaken, InviteNotValid
from tenants.features import MEMBER_FEATURE
from tenants.models import Member, Partner
from tenants.secrets import NewSecret, bytes_of, text_of
from tenants.states import MEMBERS, AccountStatus

INVITE_LIFE: Final = timedelta(days=7)
BY_EMAIL: Final = Sort(
    name="email", label=N_("By address"), reverse_label=N_("By address, descending"), keys=[SortKey("member.email")]
)
ALL_MEMBERS: Final = ListQuery(list="members", sort=BY_EMAIL, limit=500)
_INVITE = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})([A-Za-z0-9_-]{43})", re.ASCII)
_INVITE_BYTES: Final = 32


class NewMember(msgspec.Struct, frozen=True):
    """Input of a new member. `partner_id` makes a partner's member, who sees only that partner's share of the
    tenant.
    """

    id: UUID
    email: str
    name: str
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """A parsed, unverified invitation token; verified by `accept_invite`."""

    tenant_id: UUID
    member_id: UUID
    secret: bytes = field(repr=False)


async def create_member(session: AsyncSession, member: NewMember, *, now: datetime) -> Member:
    """Create a member, who cannot sign in before a password is set, by `set_password` or through an invitation.

    Raises:
        EmailTaken: the tenant has a member with this address.
        PlanLimitReached: the plan allows no further member.
    """
    scope = scope_of(session)
    email = clean_email(member.email)
    if member.partner_id is not None:
        await _require_partner(session, member.partner_id)
    else:
        await require_entitlement(session, MEMBER_FEATURE)
    created: Member | None = await session.scalar(
        insert(Member)
        .values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=member.id, email=email, name=clean_name(member.name),
            partner_id=member.partner_id, status=MEMBERS.start(AccountStatus.INVITED), created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "email"])
        .returning(Member)
    )  # fmt: skip
    if created is None:
        raise EmailTaken(
            N_("{email} belongs to this account already. Change that member instead."),
            params={"email": email},
            email=email,
        )
    data = {"email": email, "partner_id": member.partner_id and str(member.partner_id)}
    append_audit(session, action=TenantAction.MEMBER_CREATED, subject=f"member:{member.id}", data=data, at=now)
    return created


async def get_member(session: AsyncSession, member_id: UUID, *, lock: bool = False) -> Member:
    """Raises: NotFound."""
    statement = select(Member).where(Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    member = await session.scalar(statement.with_for_update() if lock else statement)
    if member is None:
        raise NotFound
    return member


async def find_member(session: AsyncSession, email: str) -> Member:
    """Raises: NotFound."""
    statement = select(Member).where(
        Member.tenant_id == scope_of(session).tenant_id, Member.email == clean_email(email)
    )
    member = await session.scalar(statement)
    if member is None:
        raise NotFound(N_("Nobody in this account has this address."))
    return member


async def list_members(session: AsyncSession, query: ListQuery = ALL_MEMBERS) -> ResultPage[Member]:
    """One page of `tenants.lists.MEMBERS`."""
    statement = select(Member).where(Member.tenant_id == scope_of(session).tenant_id)
    if query.values.get("status"):
        statement = statement.where(Member.status == query["status"])
    if search := query.values.get("search", "").strip():
        fits = [column.icontains(search, autoescape=True) for column in (Member.name, Member.email)]
        statement = statement.where(or_(*fits))
    return await select_page(session, statement, query)


async def set_password(
    session: AsyncSession, *, member_id: UUID, password_hash: str, now: datetime, kept: datetime | None = None
) -> None:
    """Set a password, end all of the member's sessions and use up an open invitation. `kept`: the beginning of the
    member's own session, which stays; only earlier ones are ended here.

    `password_hash` comes from `Passwords.prepare`, called before the transaction: hashing is slow.
    """
    member = await get_member(session, member_id)
    status = AccountStatus(member.status)
    if status is AccountStatus.INVITED:
        status = MEMBERS.move(status, AccountStatus.ACTIVE)
    await _change(
        session, member_id, password_hash=password_hash, status=status, signed_out_after=kept or now,
        invite_hash=None, invite_until=None,
    )  # fmt: skip
    append_audit(session, action=TenantAction.MEMBER_PASSWORD_SET, subject=f"member:{member_id}", data={}, at=now)


async def create_invite(session: AsyncSession, new_secret: NewSecret, *, member_id: UUID, now: datetime) -> str:
    """Create a link's token with which the member sets a password, once, within a week. It replaces an earlier one.

    The token contains tenant and member in clear text and 256 random bits, of which the hash is stored. The creator has
    seen the link and could use it: until an independent administrator confirms the member, four-eyes rules count the
    two as one (`vouched_by`).
    """
    member = await get_member(session, member_id)
    secret = new_secret(_INVITE_BYTES)
    actor = scope_of(session).actor
    values: dict[str, object] = {"inviter_id": actor.responsible_member_id}
    if member.password_hash is None:
        vouching = UUID(actor.counts_as) if actor.counts_as else actor.responsible_member_id
        values |= {"invited_at": now, "invited_by": None if actor.kind == "system" else actor.name}
        values |= {"vouched_by": vouching, "confirmed_at": None, "confirmed_by": None}
    await _change(
        session, member_id, invite_hash=hashlib.sha256(secret).digest(), invite_until=now + INVITE_LIFE, **values
    )
    append_audit(
        session, action=TenantAction.MEMBER_INVITED, subject=f"member:{member_id}", data={"email": member.email}, at=now
    )
    return f"{member.tenant_id.hex}{member.id.hex}{text_of(secret)}"


async def withdraw_invite(session: AsyncSession, *, member_id: UUID, now: datetime) -> None:
    """Invalidate the link; the member stays listed and can get a new one.

    Raises:
        Conflict: the member has a password, or there is no link.
    """
    member = await get_member(session, member_id, lock=True)
    if member.invite_hash is None or member.password_hash is not None:
        raise Conflict(N_("There is no link to withdraw: it has been used or withdrawn already."))
    await _change(session, member_id, invite_hash=None, invite_until=None)
    append_audit(
        session, action=TenantAction.MEMBER_INVITATION_WITHDRAWN, subject=f"member:{member_id}", data={}, at=now
    )


def read_invite(token: str) -> Invite:
    """Raises: InviteNotValid."""
    match = _INVITE.fullmatch(token)
    secret = bytes_of(match[3], _INVITE_BYTES) if match is not None else None
    if match is None or secret is None:
        raise InviteNotValid
    return Invite(UUID(match[1]), UUID(match[2]), secret)


async def find_invited(session: AsyncSession, invite: Invite, *, now: datetime) -> Member:
    """The member of a valid invitation, in the scope of its tenant.

    Raises:
        InviteNotValid: unknown, used, replaced, expired, or the member is suspended.
    """
    statement = select(Member).where(Member.tenant_id == invite.tenant_id, Member.id == invite.member_id)
    member = await session.scalar(statement.with_for_update())
    given = hashlib.sha256(invite.secret).digest()
    known = (member.invite_hash if member is not None else None) or bytes(32)
    right = hmac.compare_digest(given, bytes(known))
    if member is None or not right or member.invite_until is None or member.invite_until <= now:
        raise InviteNotValid
    if member.status == AccountStatus.SUSPENDED:
        raise InviteNotValid
    return member


async def accept_invite(session: AsyncSession, invite: Invite, *, password_hash: str, now: datetime) -> None:
    """Set the first (or a forgotten) password; the invitation is used up.

    Raises:
        InviteNotValid: as in `find_invited`, checked again here: the member is locked until the transaction ends.
    """
    member = await find_invited(session, invite, now=now)
    first = member.password_hash is None
    await set_password(session, member_id=member.id, password_hash=password_hash, now=now)
    if first:
        await _change(session, member.id, accepted_at=now)


async def mark_joined(session: AsyncSession, *, member_id: UUID, now: datetime) -> None:
    """Activate an invited member who proved who they are without a password. An open invitation is used up."""
    member = await get_member(session, member_id, lock=True)
    status = MEMBERS.move(member.status, AccountStatus.ACTIVE)
    await _change(session, member_id, status=status, accepted_at=now, invite_hash=None, invite_until=None)


async def mark_suspended(session: AsyncSession, *, member_id: UUID, reason: str, now: datetime) -> None:
    """Suspend a member. Sessions end with their next request; the member's records stay."""
    reason = clean_reason(reason)
    await _change(session, member_id, status=AccountStatus.SUSPENDED, signed_out_after=now, invite_hash=None)
    append_audit(
        session, action=TenantAction.MEMBER_SUSPENDED, subject=f"member:{member_id}", data={"reason": reason}, at=now
    )


async def mark_resumed(session: AsyncSession, *, member_id: UUID, reason: str, now: datetime) -> None:
    """Raises PlanLimitReached: the plan allows no further member."""
    member, reason = await get_member(session, member_id), clean_reason(reason)
    if member.partner_id is None and member.status == AccountStatus.SUSPENDED:
        await require_entitlement(session, MEMBER_FEATURE)
    after = AccountStatus.ACTIVE if member.password_hash is not None else AccountStatus.INVITED
    status = MEMBERS.move(member.status, after)
    await _change(session, member_id, status=status)
    append_audit(
        session, action=TenantAction.MEMBER_RESUMED, subject=f"member:{member_id}", data={"reason": reason}, at=now
    )


async def _change(session: AsyncSession, member_id: UUID, **values: object) -> None:
    statement = update(Member).where(Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    if await session.scalar(statement.values(**values).returning(Member.id)) is None:
        raise NotFound


async def _require_partner(session: AsyncSession, partner_id: UUID) -> None:
    statement = select(Partner.id).where(Partner.tenant_id == scope_of(session).tenant_id, Partner.id == partner_id)
    if await session.scalar(statement) is None:
        raise NotFound(N_("This account has no such partner."))
