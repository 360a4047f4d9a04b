"""Settings of an account's identity provider: set, tried, removed; its domains verified; its members unlinked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from branding.domain_claims import ClaimResult, check_record, new_token
from branding.hosts import normal_name, require_host
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.entitlements.check import require_entitlement
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.marks import N_
from foundation.names import clean_name
from foundation.outbound.dns_txt import TxtLookup
from foundation.outbound.guard import check_url
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault
from foundation.web.requests import RequestBody
from policy.errors import RoleNotAssignable
from policy.index import PolicyIndex
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from tenants.features import SINGLE_SIGN_ON_FEATURE
from tenants.identity_providers.audit_actions import SingleSignOnAction
from tenants.identity_providers.models import ExternalIdentity, IdentityProvider, SignInDomain
from tenants.identity_providers.queries import find_provider
from tenants.identity_providers.states import SingleSignOnMode
from tenants.members.change_member import MACHINE, PARTNER, require_assignable
from tenants.members.repository import get_member
from tenants.principal import Principal

SECRET_PURPOSE: Final = "identity_provider:client_secret"  # noqa: S105 - names what is sealed
SEALED_CLIENT_SECRET: Final = EncryptedColumn("identity_provider", "client_secret", SECRET_PURPOSE, keys=("tenant_id",))
MOST_DOMAINS: Final = 50
_SUBJECT: Final = "identity_provider"
_Text = Annotated[str, msgspec.Meta(max_length=500)]


class GroupRole(RequestBody, frozen=True):
    """Members of `group` at the provider get `role` here."""

    group: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    role: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ProviderInput(RequestBody, frozen=True):
    """Without `client_secret`, the stored secret stays; it is deleted when the issuer or the client changes.
    `creates_members`: a person with a verified address becomes a member at the first sign-in. `checks_factors`: the
    provider's factors suffice, so that no second factor is requested here.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    client_secret: _Text | None = None
    mode: SingleSignOnMode = SingleSignOnMode.OFF
    creates_members: bool = False
    default_role: Annotated[str, msgspec.Meta(max_length=100)] = ""
    groups_claim: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "groups"
    group_roles: Annotated[list[GroupRole], msgspec.Meta(max_length=200)] = msgspec.field(default_factory=list)
    checks_factors: bool = False


async def set_provider(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, vault: Vault, by: Principal | None, wanted: ProviderInput, *, index: PolicyIndex,
    now: datetime,
) -> None:  # fmt: skip
    """Create or replace the account's provider. `by` is None for the operator; `index` is the account's policy.

    Another issuer is another authority: its domains have to be verified again, and its members' identities end. Those
    of another client id end too, as providers may have other subjects for it.

    Raises:
        InvalidInput: a value is not valid.
        RoleNotAssignable: a role that the caller could not give.
        Conflict: required of the members before a sign-in by it succeeded.
        NotInPlan: the plan has no single sign-on.
    """
    scope, before = scope_of(session), await find_provider(session)
    values = _clean(wanted)
    if before is None:
        await require_entitlement(session, SINGLE_SIGN_ON_FEATURE)
    for role in {one.role for one in wanted.group_roles} | ({wanted.default_role} - {""}):
        _require_role(by, role, index, session)
    same_issuer = before is not None and before.issuer == values["issuer"]
    same = before is not None and same_issuer and before.client_id == values["client_id"]
    tested_at = before.tested_at if before is not None and same and not wanted.client_secret else None
    if wanted.mode is SingleSignOnMode.REQUIRED and tested_at is None:
        raise Conflict(N_("Try a sign-in with these settings first. Require it of the members after it succeeded."))
    sealed = before.client_secret if before is not None and same else None
    if wanted.client_secret:
        sealed = await vault.encrypt(session, SECRET_PURPOSE, wanted.client_secret.encode())
    if before is not None and not same:
        await _end_identities(session)
    if before is not None and not same_issuer:
        await _ask_for_domains_again(session)
    values |= {"client_secret": sealed, "tested_at": tested_at, "set_at": now, "set_by": scope.actor.name}
    statement = insert(IdentityProvider).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    audited = {name: values[name] for name in ("name", "issuer", "client_id", "mode", "creates_members", "group_roles")}
    audited |= {"secret_changed": bool(wanted.client_secret), "default_role": wanted.default_role}
    append_audit(session, action=SingleSignOnAction.PROVIDER_SET, subject=_SUBJECT, data=audited, at=now)


async def remove_provider(session: AsyncSession, *, now: datetime) -> None:
    """Remove the account's provider. Members sign in by their passwords from now on.

    Raises:
        NotFound: none is set.
    """
    own = IdentityProvider.tenant_id == scope_of(session).tenant_id
    issuer = await session.scalar(delete(IdentityProvider).where(own).returning(IdentityProvider.issuer))
    if issuer is None:
        raise NotFound(N_("No identity provider is set."))
    await _end_identities(session)
    await _ask_for_domains_again(session)
    append_audit(session, action=SingleSignOnAction.PROVIDER_REMOVED, subject=_SUBJECT, data={"issuer": issuer}, at=now)


async def note_trial(session: AsyncSession, *, issuer: str, client_id: str, now: datetime) -> None:
    """Record a successful trial of these settings; nothing happens if they were changed meanwhile."""
    own = (IdentityProvider.tenant_id == scope_of(session).tenant_id, IdentityProvider.issuer == issuer)
    same = (*own, IdentityProvider.client_id == client_id)
    marked = update(IdentityProvider).where(*same).values(tested_at=now).returning(IdentityProvider.issuer)
    if await session.scalar(marked) is not None:
        append_audit(
            session, action=SingleSignOnAction.PROVIDER_TESTED, subject=_SUBJECT, data={"issuer": issuer}, at=now
        )


async def list_domains(session: AsyncSession) -> Sequence[SignInDomain]:
    own = SignInDomain.tenant_id == scope_of(session).tenant_id
    found = select(SignInDomain).where(own).order_by(SignInDomain.domain).execution_options(populate_existing=True)
    return (await session.scalars(found)).all()


async def add_domain(session: AsyncSession, domain: str, *, now: datetime) -> SignInDomain:
    """Add a domain, unless the account has it already. Returns the domain with the DNS record to be added.

    Raises:
        InvalidInput: no domain name, or too many.
        Conflict: the account has no provider yet.
    """
    scope, name = scope_of(session), require_host(domain, is_public=True)
    if await find_provider(session) is None:
        raise Conflict(N_("Set the identity provider first: the record proves that the domain is for this issuer."))
    known = {one.domain: one for one in await list_domains(session)}
    if name in known:
        return known[name]
    if len(known) >= MOST_DOMAINS:
        raise InvalidInput(N_("An account has at most {most} domains."), params={"most": MOST_DOMAINS}, field="domain")
    added = SignInDomain(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, domain=name, token=new_token(), created_at=now,
        checked_at=None, result=ClaimResult.UNCHECKED, verified_at=None,
    )  # fmt: skip
    session.add(added)
    _audit_domain(session, SingleSignOnAction.DOMAIN_ADDED, name, now)
    await session.flush()
    return added


async def verify_domain(session: AsyncSession, lookup: TxtLookup, domain: str, *, now: datetime) -> SignInDomain:
    """Look up the record, and store the result.

    Raises:
        NotFound: the account has no such domain.
        Conflict: another account of the MSP has verified it.
    """
    found = await session.get(SignInDomain, (scope_of(session).tenant_id, normal_name(domain)), with_for_update=True)
    if found is None:
        raise NotFound(N_("This account has no such domain."))
    result = await check_record(lookup, found.domain, found.token)
    found.checked_at, found.result = now, result or ""
    if result is None and found.verified_at is None:
        try:
            async with savepoint(session):
                found.verified_at = now
                await session.flush()
        except IntegrityError:
            raise Conflict(N_("Another account has verified this domain.")) from None
        _audit_domain(session, SingleSignOnAction.DOMAIN_VERIFIED, found.domain, now)
    await session.flush()
    return found


async def remove_domain(session: AsyncSession, domain: str, *, now: datetime) -> None:
    """Raises: NotFound."""
    own = (SignInDomain.tenant_id == scope_of(session).tenant_id, SignInDomain.domain == normal_name(domain))
    if await session.scalar(delete(SignInDomain).where(*own).returning(SignInDomain.domain)) is None:
        raise NotFound(N_("This account has no such domain."))
    _audit_domain(session, SingleSignOnAction.DOMAIN_REMOVED, normal_name(domain), now)


async def unlink_member(session: AsyncSession, member_id: UUID, *, now: datetime) -> None:
    """End the member's identity at the provider. The next sign-in by it is matched by its address again.

    Raises:
        NotFound: there is no such member, or none is linked.
    """
    member = await get_member(session, member_id)
    own = (ExternalIdentity.tenant_id == member.tenant_id, ExternalIdentity.member_id == member.id)
    subject = await session.scalar(delete(ExternalIdentity).where(*own).returning(ExternalIdentity.subject))
    if subject is None:
        raise NotFound(N_("This member is not linked to the identity provider."))
    append_audit(
        session, action=SingleSignOnAction.IDENTITY_UNLINKED, subject=f"member:{member_id}",
        data={"subject": subject}, at=now,
    )  # fmt: skip


def _clean(wanted: ProviderInput) -> dict[str, object]:
    issuer, client_id = wanted.issuer.strip(), wanted.client_id.strip()
    check_url(issuer)
    if "?" in issuer or "#" in issuer:
        raise InvalidInput(N_("An issuer is an address without “?” and “#”."), field="issuer")
    if not client_id:
        raise InvalidInput(N_("Enter the client ID that the provider gave to this application."), field="client_id")
    if wanted.creates_members and not (wanted.default_role or wanted.group_roles):
        raise InvalidInput(N_("New members need a role: choose a default one, or map a group."), field="default_role")
    return {
        "name": clean_name(wanted.name), "issuer": issuer, "client_id": client_id, "mode": wanted.mode.value,
        "creates_members": wanted.creates_members, "default_role": wanted.default_role,
        "groups_claim": wanted.groups_claim.strip() or "groups", "checks_factors": wanted.checks_factors,
        "group_roles": [{"group": one.group, "role": one.role} for one in wanted.group_roles],
    }  # fmt: skip


def _require_role(by: Principal | None, role: str, index: PolicyIndex, session: AsyncSession) -> None:
    scope = scope_of(session)
    packaged = MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES
    if role in {MACHINE, PARTNER} or role not in packaged | {*index.role_names}:
        raise RoleNotAssignable(
            N_("The role “{role}” cannot be given by single sign-on here."), params={"role": role}, role=role
        )
    if by is not None:
        require_assignable(by, role, index, scope)


async def _end_identities(session: AsyncSession) -> None:
    await session.execute(delete(ExternalIdentity).where(ExternalIdentity.tenant_id == scope_of(session).tenant_id))


async def _ask_for_domains_again(session: AsyncSession) -> None:
    for domain in await list_domains(session):
        domain.token, domain.verified_at, domain.result = new_token(), None, ClaimResult.UNCHECKED
    await session.flush()


def _audit_domain(session: AsyncSession, action: SingleSignOnAction, domain: str, now: datetime) -> None:
    append_audit(session, action=action, subject=f"sign_in_domain:{domain}", data={"domain": domain}, at=now)
