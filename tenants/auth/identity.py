"""Authentication of a request: session cookie or API key to principal, loaded again for each request."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.scope import Actor, Scope
from policy.cache import PolicyCache
from policy.repository import latest_policy
from tenants.auth.api_keys import KeyParts, parse_key
from tenants.auth.key_authentication import authenticate_key, key_scope
from tenants.auth.services import AuthServices
from tenants.auth.sessions import Session
from tenants.limits import limits_of
from tenants.models import Client, Member, Msp, Partner
from tenants.principal import Principal
from tenants.roles import held_roles
from tenants.states import AccountStatus, PartnerStatus
from tenants.unread import count_unread


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller as known without the database: a live session of this host's MSP, or a key's text.

    `scope` is the scope in which `identify` runs.
    """

    scope: Scope
    session: Session | None = None
    key: KeyParts | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    principal: Principal
    session: Session


async def find_caller(auth: AuthServices, *, msp_id: UUID, authorization: str, cookie: str) -> Caller | None:
    """Caller from the header `Authorization` or the session cookie, on a host of this MSP. None: not signed in.

    Raises:
        ApiKeyRefused: the key is malformed.
    """
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() == "bearer":
        parts = parse_key(text.strip())
        return Caller(key_scope(parts, msp_id=msp_id), key=parts)
    session = await auth.sessions.find(cookie, msp_id=msp_id, now=auth.clock()) if cookie else None
    if session is None:
        return None
    return Caller(Scope(msp_id=msp_id, tenant_id=session.tenant_id, actor=Actor.system("identity")), session=session)


async def identify(transaction: AsyncSession, auth: AuthServices, caller: Caller) -> Principal | None:
    """Principal, loaded in the caller's scope. None if the session is no longer valid: its member or account was
    suspended, or signed out everywhere after the session began.

    An API key whose creator belongs to another account has no rights before `find_key_creator` ran in the scope of that
    account.

    Raises:
        ApiKeyRefused, Suspended: see `authenticate_key`.
    """
    if caller.key is not None:
        machine = await authenticate_key(transaction, auth, caller.key)
        at_home = machine.on_behalf_of_id is not None and machine.on_behalf_of_home == machine.tenant_id
        return await find_key_creator(transaction, auth, machine) if at_home else machine
    assert caller.session is not None  # noqa: S101 - a caller has one or the other
    session = caller.session
    principal = await load_principal(transaction, auth.policies, session.member_id, began=session.created_at)
    if principal is None:
        await auth.sessions.end(session)
    return principal


async def find_key_creator(transaction: AsyncSession, auth: AuthServices, machine: Principal) -> Principal:
    """The API key's principal with its creator's current rights, or without rights when the creator is suspended or
    gone. Runs in the scope of `on_behalf_of_home`.
    """
    assert machine.on_behalf_of_id is not None  # noqa: S101 - called for machines with a creator only
    return replace(machine, on_behalf_of=await load_principal(transaction, auth.policies, machine.on_behalf_of_id))


async def identify_member(auth: AuthServices, *, msp_id: UUID, cookie: str) -> SignedIn | None:
    """Principal of this session cookie on a host of this MSP, or None. For public pages."""
    caller = await find_caller(auth, msp_id=msp_id, authorization="", cookie=cookie)
    if caller is None or caller.session is None:
        return None
    async with auth.db.transaction(caller.scope) as transaction:
        principal = await identify(transaction, auth, caller)
    return SignedIn(principal, caller.session) if principal is not None else None


async def load_principal(
    session: AsyncSession, policies: PolicyCache, member_id: UUID, *, began: datetime | None = None
) -> Principal | None:
    """An active member of the scope's tenant with current roles; None if suspended. `began` is the start of the
    session.
    """
    scope = scope_of(session)
    row = (
        await session.execute(
            select(
                Member.name,
                Member.status,
                Member.partner_id,
                Partner.status.label("partner_status"),
                Member.signed_out_after,
                Member.vouched_by,
                Member.confirmed_at,
                Member.language,
                Member.time_zone,
                Member.shortcuts,
                Client,
                Msp,
                latest_policy(scope.tenant_id).label("policy_stamp"),
                count_unread(scope.tenant_id, member_id).label("unread"),
            )
            .outerjoin(Client, Client.tenant_id == Member.tenant_id)
            .outerjoin(Msp, Msp.tenant_id == Member.tenant_id)
            .outerjoin(Partner, (Partner.tenant_id == Member.tenant_id) & (Partner.id == Member.partner_id))
            .where(Member.tenant_id == scope.tenant_id, Member.id == member_id)
        )
    ).one_or_none()
    if row is None or row.status != AccountStatus.ACTIVE:
        return None
    if row.Client is not None and row.Client.status != AccountStatus.ACTIVE:
        return None
    if row.partner_status == PartnerStatus.SUSPENDED:
        return None
    if began is not None and row.signed_out_after is not None and began < row.signed_out_after:
        return None
    index = await policies.index_at(session, scope, stamp=row.policy_stamp)
    account: Client | Msp | None = row.Client or row.Msp
    return Principal(
        kind="member",
        id=member_id,
        name=row.name,
        msp_id=scope.msp_id,
        tenant_id=scope.tenant_id,
        partner_id=row.partner_id,
        roles=held_roles(index, str(member_id)),
        policy=index,
        home=row.Client,
        vouched_by=row.vouched_by if row.confirmed_at is None else None,
        language=row.language or (account.language if account is not None else None) or "",
        unread=row.unread,
        shortcuts=row.shortcuts,
        limits=limits_of(account),
        time_zone=row.time_zone or (account.time_zone if account is not None else None) or "",
    )
