"""Entry by an identity at the provider: the account's member and the member's roles.

Everything happens in the scope of the account that the provider belongs to: no issuer reaches a member elsewhere. The
subject identifies; an e-mail address counts once, for a member without an identity, if it is verified by the provider
and its domain by the account.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.entitlements.errors import NotInPlan, PlanLimitReached
from foundation.errors import InvalidInput, NotFound
from foundation.scope import Scope
from policy.errors import RoleNotAssignable
from policy.publishing import assign_role, list_assignments, revoke_role
from tenants.audit_actions import TenantAction
from tenants.auth.identity import SignedIn, load_principal
from tenants.emails import clean_email
from tenants.errors import LastAdministrator, Suspended
from tenants.features import MEMBER_FEATURE
from tenants.identity_providers.audit_actions import SingleSignOnAction
from tenants.identity_providers.models import ExternalIdentity, IdentityProvider
from tenants.identity_providers.queries import find_provider, is_verified
from tenants.members.administrators import require_other_administrator
from tenants.members.repository import NewMember, create_member, get_member, mark_joined
from tenants.models import Member
from tenants.principal import Principal
from tenants.single_sign_on.errors import SignInProblem, SingleSignOnRefused
from tenants.single_sign_on.flow import ProvedIdentity
from tenants.single_sign_on.service import SingleSignOn
from tenants.states import AccountStatus

_BY: Final = "single_sign_on"


@dataclass(frozen=True, slots=True)
class Entered:
    """`checks_factors`: the provider's factors suffice, so that no second factor is requested here."""

    principal: Principal
    checks_factors: bool


async def enter_account(sso: SingleSignOn, scope: Scope, identity: ProvedIdentity, *, address: str) -> Entered:
    """Sign in as the member that the identity belongs to; link or create the member first, where that is allowed.

    Raises:
        SingleSignOnRefused: the identity belongs to no member here, and no member may be linked or created for it.
        Suspended: the member or the account is suspended.
    """
    try:
        async with sso.auth.db.transaction(scope) as session:
            provider = await _require_provider(session)
            member = await _find_member(session, sso, provider, identity)
            await _set_roles(session, sso, provider, member, identity)
            member_id, checks_factors = member.id, provider.checks_factors
        principal = await _start(sso, scope, member_id, address)
    except (SingleSignOnRefused, Suspended) as refusal:
        await _note_refusal(sso, scope, refusal, address)
        raise
    return Entered(principal, checks_factors)


async def confirm_identity(sso: SingleSignOn, who: SignedIn, identity: ProvedIdentity) -> None:
    """Record a new proof of the person for this session.

    Raises:
        SingleSignOnRefused: the identity is another person's.
    """
    me = who.principal
    async with sso.auth.db.transaction(Scope(msp_id=me.msp_id, tenant_id=me.tenant_id, actor=me.actor)) as session:
        linked = await _find_identity(session, identity)
        if linked is None or linked.member_id != me.id:
            raise SingleSignOnRefused(SignInProblem.OTHER_PERSON)
        linked.used_at = sso.auth.clock()
    await sso.auth.sessions.prove(who.session, now=sso.auth.clock())


async def preview_roles(session: AsyncSession, identity: ProvedIdentity) -> tuple[list[str], SignInProblem | None]:
    """Roles after a sign-in with this identity, and the problem for which the sign-in would be refused."""
    provider = await _require_provider(session)
    try:
        found = await _find_identity(session, identity) or await _by_email(session, identity)
        if found is None and provider.creates_members:
            await _require_seat(session, early=True)
    except SingleSignOnRefused as refusal:
        return [], refusal.problem
    if found is None and not provider.creates_members:
        return [], SignInProblem.NO_MEMBER
    roles = _wanted(provider, identity)
    return sorted(roles), SignInProblem.NO_ROLE if found is None and not roles else None


async def _start(sso: SingleSignOn, scope: Scope, member_id: UUID, address: str) -> Principal:
    """Record the sign-in, in a second transaction: changed roles have to be committed before they are read."""
    now = sso.auth.clock()
    async with sso.auth.db.transaction(scope) as session:
        principal = await load_principal(session, sso.auth.policies, member_id)
        if principal is None:
            raise Suspended
        own = (Member.tenant_id == scope.tenant_id, Member.id == member_id)
        await session.execute(update(Member).where(*own).values(last_seen_at=now))
        data = {"address": address, "by": _BY}
        append_audit(session, action=TenantAction.SIGN_IN_SUCCEEDED, subject=f"member:{member_id}", data=data, at=now)
    return principal


async def _find_member(
    session: AsyncSession, sso: SingleSignOn, provider: IdentityProvider, identity: ProvedIdentity
) -> Member:
    now = sso.auth.clock()
    linked = await _find_identity(session, identity)
    if linked is not None:
        linked.used_at = now
        member = await get_member(session, linked.member_id, lock=True)
    else:
        member = await _adopt(session, sso, provider, identity)
    if member.status == AccountStatus.SUSPENDED:
        raise Suspended
    if member.status == AccountStatus.INVITED:
        await mark_joined(session, member_id=member.id, now=now)
    return member


async def _adopt(
    session: AsyncSession, sso: SingleSignOn, provider: IdentityProvider, identity: ProvedIdentity
) -> Member:
    """Link the member with the verified address, or a new one."""
    now, scope = sso.auth.clock(), scope_of(session)
    member = await _by_email(session, identity)
    if member is None:
        if not provider.creates_members:
            raise SingleSignOnRefused(SignInProblem.NO_MEMBER)
        if not _wanted(provider, identity):
            raise SingleSignOnRefused(SignInProblem.NO_ROLE)
        email = clean_email(identity.email)
        member = await _create(session, sso, email, identity.name)
    session.add(
        ExternalIdentity(
            tenant_id=scope.tenant_id,
            msp_id=scope.msp_id,
            issuer=identity.issuer,
            subject=identity.subject,
            member_id=member.id,
            linked_at=now,
            used_at=now,
        )
    )
    append_audit(
        session, action=SingleSignOnAction.IDENTITY_LINKED, subject=f"member:{member.id}", at=now,
        data={"issuer": identity.issuer, "subject": identity.subject},
    )  # fmt: skip
    await session.flush()
    return member


async def _create(session: AsyncSession, sso: SingleSignOn, email: str, name: str) -> Member:
    """Create a member. A name that cannot be shown is replaced by the address."""
    now = sso.auth.clock()
    await _require_seat(session, early=False)
    try:
        return await create_member(session, NewMember(sso.new_id(), email, name), now=now)
    except InvalidInput:
        return await create_member(session, NewMember(sso.new_id(), email, email.partition("@")[0]), now=now)


async def _require_seat(session: AsyncSession, *, early: bool) -> None:
    """Check the plan's limit of members. Details are for members only, not for a person at the first sign-in."""
    try:
        await require_entitlement(session, MEMBER_FEATURE, early=early)
    except (NotInPlan, PlanLimitReached):
        raise SingleSignOnRefused(SignInProblem.NO_SEAT) from None


async def _by_email(session: AsyncSession, identity: ProvedIdentity) -> Member | None:
    """The member with the identity's address, who is not linked yet.

    Raises:
        SingleSignOnRefused: the address is not verified, its domain is not this account's, or its member is linked to
            another identity: the address may have been given to another person since.
    """
    try:
        email = clean_email(identity.email)
    except InvalidInput:
        raise SingleSignOnRefused(SignInProblem.NO_EMAIL) from None
    if not await is_verified(session, email.rpartition("@")[2]):
        raise SingleSignOnRefused(SignInProblem.DOMAIN)
    tenant_id = scope_of(session).tenant_id
    named = select(Member).where(Member.tenant_id == tenant_id, Member.email == email)
    member: Member | None = await session.scalar(named.with_for_update())
    if member is None:
        return None
    other = select(ExternalIdentity.subject).where(
        ExternalIdentity.tenant_id == tenant_id, ExternalIdentity.member_id == member.id
    )
    if await session.scalar(other) is not None:
        raise SingleSignOnRefused(SignInProblem.OTHER_IDENTITY)
    return member


async def _find_identity(session: AsyncSession, identity: ProvedIdentity) -> ExternalIdentity | None:
    key = (scope_of(session).tenant_id, identity.issuer, identity.subject)
    return await session.get(ExternalIdentity, key)


async def _set_roles(
    session: AsyncSession, sso: SingleSignOn, provider: IdentityProvider, member: Member, identity: ProvedIdentity
) -> None:
    """Give the roles of the member's groups, and take those that the mapping manages and no group gives any more. A
    partner's member keeps their role, and the last administrator theirs.
    """
    scope = scope_of(session)
    held = (await list_assignments(session, scope)).get(str(member.id), set())
    if member.partner_id is not None or (held and not provider.group_roles):
        return
    wanted = _wanted(provider, identity)
    for role in sorted(wanted - held):
        try:
            await assign_role(session, scope, member_id=member.id, role=role, clock=sso.auth.clock, new_id=sso.new_id)
        except RoleNotAssignable:
            continue  # the role was deleted since the mapping was set
    managed = {one["role"] for one in provider.group_roles} | {provider.default_role}
    for role in sorted(managed & held - wanted):
        try:
            await require_other_administrator(session, member, losing=role)
        except LastAdministrator:
            continue
        await revoke_role(session, scope, member_id=member.id, role=role, clock=sso.auth.clock, new_id=sso.new_id)


def _wanted(provider: IdentityProvider, identity: ProvedIdentity) -> set[str]:
    """Roles of the identity's groups; the default one if they give none."""
    given = {one["role"] for one in provider.group_roles if one["group"] in identity.groups}
    return given or ({provider.default_role} - {""})


async def _require_provider(session: AsyncSession) -> IdentityProvider:
    provider = await find_provider(session)
    if provider is None:
        raise NotFound
    return provider


async def _note_refusal(
    sso: SingleSignOn, scope: Scope, refusal: SingleSignOnRefused | Suspended, address: str
) -> None:
    """Audit a refusal. The e-mail address that the provider reported is not stored: it may be anybody's."""
    problem = str(refusal.problem) if isinstance(refusal, SingleSignOnRefused) else "suspended"
    data = {"address": address, "by": _BY, "problem": problem}
    async with sso.auth.db.transaction(scope) as session:
        action = TenantAction.SIGN_IN_REFUSED
        append_audit(session, action=action, subject="sign-in", data=data, at=sso.auth.clock())
