"""Provisioning of MSPs and clients through the rooms' own use cases; for the demo, the command line and the tests."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.jobs import schedule_total
from branding.manage import point_host, set_brand
from branding.theme import Theme
from connectors.connections import create_connection
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.rooms import AppServices
from foundation.scope import Actor, Scope
from governance.elements.publish_contract import publish_usual_contracts
from governance.onboarding.create_client import create_client
from policy.publishing import assign_role
from tenants.accounts import create_msp
from tenants.auth.account_names import read_account_names
from tenants.auth.services import AuthServices
from tenants.client_input import ClientInput
from tenants.members.repository import NewMember, create_member, set_password
from tenants.partners.manage import create_partner
from tenants.states import PartnerKind

SETUP = Actor.system("setup")
FIRST_BILLING = timedelta(minutes=15)


class NewConnection(msgspec.Struct, frozen=True):
    kind: str
    name: str
    base_url: str
    settings: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    partner_id: UUID | None = None


class NewAccountMember(msgspec.Struct, frozen=True):
    email: str
    name: str
    password: str
    role: str
    partner_id: UUID | None = None


async def onboard_msp(services: AppServices, *, name: str, slug: str) -> Scope:
    """Create an MSP; returns the scope of its MSP account."""
    msp_id = new_id()
    msp_account = Scope(msp_id=msp_id, tenant_id=msp_id, actor=SETUP)
    async with services.db.transaction(msp_account) as session:
        await create_msp(session, name=name, slug=slug, now=utc_now())
        await schedule_total(session, utc_now() + FIRST_BILLING)
    return msp_account


async def open_msp(services: AppServices, *, slug: str, host: str, theme: Theme, admin: NewAccountMember) -> Scope:
    """Create an MSP with its brand, host and first administrator, in one transaction."""
    msp_id, now = new_id(), utc_now()
    msp_account = Scope(msp_id=msp_id, tenant_id=msp_id, actor=SETUP)
    names = [admin.name, theme.name, slug, host]
    password_hash = await services.get(AuthServices).passwords.prepare(admin.password, email=admin.email, names=names)
    async with services.db.transaction(msp_account) as session:
        await create_msp(session, name=theme.name, slug=slug, now=now)
        await set_brand(session, slug=slug, theme=theme, now=now, new_id=new_id)
        await point_host(session, slug=slug, host=host, now=now)
        await _add_member(session, msp_account, admin, password_hash)
        await schedule_total(session, now + FIRST_BILLING)
    return msp_account


async def onboard_client(services: AppServices, msp_account: Scope, *, name: str, slug: str, currency: str) -> Scope:
    """Create a client with the starter policy and the MSP's rules; returns its scope."""
    return await create_new_client(services, msp_account, ClientInput(name=name, slug=slug, currency=currency))


async def create_new_client(
    services: AppServices, msp_account: Scope, new: ClientInput, *, holds_values: bool = False
) -> Scope:
    """Create a client with the starter policy and the MSP's rules; returns its scope. `holds_values`: see
    `governance.elements.value_hold`.
    """
    scope = Scope(msp_id=msp_account.msp_id, tenant_id=new_id(), actor=SETUP)
    await create_client(services.db, scope, new, clock=utc_now, new_id=new_id, holds_values=holds_values)
    return scope


async def add_member(services: AppServices, scope: Scope, member: NewAccountMember) -> UUID:
    """Create a member who can sign in at once."""
    names = [member.name, *await read_account_names(services.db, scope)]
    passwords = services.get(AuthServices).passwords
    password_hash = await passwords.prepare(member.password, email=member.email, names=names)
    async with services.db.transaction(scope) as session:
        return await _add_member(session, scope, member, password_hash)


async def _add_member(session: AsyncSession, scope: Scope, member: NewAccountMember, password_hash: str) -> UUID:
    now, member_id = utc_now(), new_id()
    await create_member(session, NewMember(member_id, member.email, member.name, member.partner_id), now=now)
    await set_password(session, member_id=member_id, password_hash=password_hash, now=now)
    await assign_role(session, scope, member_id=member_id, role=member.role, clock=utc_now, new_id=new_id)
    return member_id


async def add_partner(services: AppServices, scope: Scope, *, name: str) -> UUID:
    partner_id = new_id()
    async with services.db.transaction(scope) as session:
        await create_partner(session, partner_id=partner_id, name=name, kind=PartnerKind.RESELLER, now=utc_now())
    return partner_id


async def connect(services: AppServices, scope: Scope, new: NewConnection) -> UUID:
    async with services.db.transaction(scope) as session:
        return await create_connection(
            session,
            services.vault,
            connector=services.get(ConnectorRuntime).registry[new.kind],
            name=new.name,
            base_url=new.base_url,
            settings=new.settings,
            secrets=new.secrets,
            partner_id=new.partner_id,
            now=utc_now(),
            new_id=new_id,
        )


async def publish_contracts(  # noqa: PLR0913 - keyword-only targets
    services: AppServices,
    scope: Scope,
    source: UUID,
    *,
    propagation_slo: timedelta = timedelta(seconds=30),
    correction_slo: timedelta = timedelta(hours=4),
    decision_slo: timedelta | None = None,
) -> None:
    """Publish the contracts of price, stock and cost, all owned by `source`."""
    async with services.db.transaction(scope) as session:
        await publish_usual_contracts(
            session,
            source,
            propagation_slo=propagation_slo,
            correction_slo=correction_slo,
            decision_slo=decision_slo,
            now=utc_now(),
        )
