"""Queries of an account's identity provider, shared by all ways to sign in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from tenants.identity_providers.models import ExternalIdentity, IdentityProvider, SignInDomain
from tenants.identity_providers.states import OFFERED, SingleSignOnMode
from tenants.models import Member


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A provider that a page offers. `account_id`: its account, the MSP or a client."""

    account_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class SignInOffer:
    """Single sign-on on the sign-in page of an MSP's host. `is_used`: the MSP or one of its clients has a provider."""

    own: OfferedProvider | None = None
    is_used: bool = False


async def find_offer(fleet: AsyncSession) -> SignInOffer:
    """The offer of an MSP, in its fleet scope."""
    msp_id = scope_of(fleet).msp_id
    offered = (IdentityProvider.msp_id == msp_id, IdentityProvider.mode.in_(OFFERED))
    own = await fleet.scalar(select(IdentityProvider.name).where(*offered, IdentityProvider.tenant_id == msp_id))
    if own is not None:
        return SignInOffer(OfferedProvider(msp_id, own), is_used=True)
    other = select(IdentityProvider.tenant_id).where(*offered).limit(1)
    return SignInOffer(is_used=await fleet.scalar(other) is not None)


async def find_by_domain(fleet: AsyncSession, domain: str) -> OfferedProvider | None:
    """The provider that vouches for a domain, in the MSP's fleet scope."""
    found = await fleet.execute(
        select(IdentityProvider.tenant_id, IdentityProvider.name)
        .join(SignInDomain, SignInDomain.tenant_id == IdentityProvider.tenant_id)
        .where(
            IdentityProvider.msp_id == scope_of(fleet).msp_id,
            IdentityProvider.mode.in_(OFFERED),
            SignInDomain.domain == domain,
            SignInDomain.verified_at.is_not(None),
        )
    )
    row = found.one_or_none()
    return None if row is None else OfferedProvider(row.tenant_id, row.name)


async def find_provider(session: AsyncSession) -> IdentityProvider | None:
    """The identity provider of the scope's account."""
    found: IdentityProvider | None = await session.scalar(
        select(IdentityProvider)
        .where(IdentityProvider.tenant_id == scope_of(session).tenant_id)
        .execution_options(populate_existing=True)
    )
    return found


async def is_verified(session: AsyncSession, domain: str) -> bool:
    own = (SignInDomain.tenant_id == scope_of(session).tenant_id, SignInDomain.domain == domain)
    return (
        await session.scalar(select(SignInDomain.domain).where(*own, SignInDomain.verified_at.is_not(None))) is not None
    )


async def verified_domains(session: AsyncSession) -> set[str]:
    own = SignInDomain.tenant_id == scope_of(session).tenant_id
    return set(await session.scalars(select(SignInDomain.domain).where(own, SignInDomain.verified_at.is_not(None))))


async def linked_provider(session: AsyncSession, member_id: UUID) -> OfferedProvider | None:
    """The provider by which the member of the scope's account signs in, if it is offered."""
    tenant_id = scope_of(session).tenant_id
    name = await session.scalar(
        select(IdentityProvider.name)
        .join(
            ExternalIdentity,
            (ExternalIdentity.tenant_id == IdentityProvider.tenant_id)
            & (ExternalIdentity.issuer == IdentityProvider.issuer),
        )
        .where(
            IdentityProvider.tenant_id == tenant_id,
            IdentityProvider.mode.in_(OFFERED),
            ExternalIdentity.member_id == member_id,
        )
    )
    return None if name is None else OfferedProvider(tenant_id, name)


async def must_use_provider(session: AsyncSession, member_id: UUID) -> bool:
    """Whether the account requires single sign-on of this member: one whose address it vouches for, or who is linked.
    Guests with addresses of other domains keep their passwords.
    """
    provider = await find_provider(session)
    if provider is None or provider.mode != SingleSignOnMode.REQUIRED:
        return False
    if await linked_provider(session, member_id) is not None:
        return True
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    email = await session.scalar(select(Member.email).where(*own)) or ""
    return await is_verified(session, email.rpartition("@")[2])


async def linked_since(session: AsyncSession, member_id: UUID) -> datetime | None:
    own = (ExternalIdentity.tenant_id == scope_of(session).tenant_id, ExternalIdentity.member_id == member_id)
    found: datetime | None = await session.scalar(select(ExternalIdentity.linked_at).where(*own))
    return found


async def linked_members(session: AsyncSession) -> set[UUID]:
    """Members of the scope's account who can sign in by a provider that is offered."""
    provider = await find_provider(session)
    if provider is None or provider.mode not in OFFERED:
        return set()
    own = (ExternalIdentity.tenant_id == provider.tenant_id, ExternalIdentity.issuer == provider.issuer)
    return set(await session.scalars(select(ExternalIdentity.member_id).where(*own)))
