"""Seeds an empty installation with the demonstration's MSPs, clients, connections and price books."""

import base64
import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from billing.jobs import schedule_rating, schedule_total
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.sides import Side
from branding.manage import point_host, set_brand
from branding.theme import parse_theme
from canonical.elements import DESCRIPTION, ORDER_DOCUMENT, ORDER_STATUS, SALE_PRICE
from connectors.poll_job import schedule_poll
from connectors.sandbox.plan import SystemPlan
from controlplane.demo.last_month import seed_last_month
from controlplane.demo.plan import PASSWORD, DemoClient, DemoMember, DemoMsp
from controlplane.provisioning import (
    NewAccountMember,
    NewConnection,
    add_member,
    add_partner,
    connect,
    onboard_client,
    onboard_msp,
    publish_contracts,
)
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope
from governance.elements.domains import DataDomain, set_domain_owner
from governance.elements.publish_contract import publish_contract
from governance.elements.schemas import DomainOwnerInput
from governance.propagation.meters import VERIFIED_DELIVERIES

SKUS = 24
PRICED_BEFORE = timedelta(days=62)
"""Age of the first prices, so that all of last month has prices."""

_DOMAIN_OWNERS: Final = (
    (DataDomain.PRODUCT, "Mara Lindt, product data"),
    (DataDomain.PRICE, "Jonas Weber, pricing"),
    (DataDomain.STOCK, "Central warehouse"),
)
"""The domain of orders is left without an owner, so that its warning can be seen."""


class SeededClient(msgspec.Struct, frozen=True):
    plan: DemoClient
    scope: Scope
    erp: UUID
    shop: UUID
    hook_secret: str
    channels: tuple[UUID, ...]
    approver: DemoMember
    approver_id: UUID


class SeededMsp(msgspec.Struct, frozen=True):
    plan: DemoMsp
    msp_account: Scope
    clients: tuple[SeededClient, ...]


def sandbox_plans(msps: tuple[DemoMsp, ...], token: str) -> list[SystemPlan]:
    """An ERP, a shop and a market for each client."""
    return [
        SystemPlan(
            name=f"{client.slug}-{kind}",
            kind=f"sandbox-{kind}",  # type: ignore[arg-type]
            token=token,
            currency=client.currency,
            skus=SKUS,
        )
        for msp in msps
        for client in msp.clients
        for kind in ("erp", "shop", "market")
    ]


async def seed_msp(services: Services, plan: DemoMsp, *, sandbox: str, token: str, host: str) -> SeededMsp:
    msp_account = await onboard_msp(services, name=plan.name, slug=plan.slug)
    now = utc_now()
    tokens = {"name": plan.name, "support_email": f"help@{plan.slug}.example", **plan.theme}
    async with services.db.transaction(msp_account) as session:
        await set_brand(session, slug=plan.slug, theme=parse_theme(tokens), now=now, new_id=new_id)
        await point_host(session, slug=plan.slug, host=host, now=now)
    for member in plan.staff:
        await add_member(services, msp_account, NewAccountMember(member.email, member.name, PASSWORD, member.role))
    currency = plan.clients[0].currency
    start = now - PRICED_BEFORE
    prices = {Side.WHOLESALE: plan.wholesale, Side.RETAIL: plan.retail}
    books = {side: await _price_book(services, msp_account, side, currency, prices[side], start) for side in prices}
    clients = [await _seed_client(services, msp_account, c, sandbox=sandbox, token=token) for c in plan.clients]
    if plan.has_last_month:
        await seed_last_month(services, msp_account, clients[0].scope, books, priced_from=start)
    async with services.db.transaction(msp_account) as session:
        await schedule_total(session, now + timedelta(minutes=1))
    return SeededMsp(plan, msp_account, tuple(clients))


async def _price_book(  # noqa: PLR0913, PLR0917 - one row of the plan
    services: Services, msp_account: Scope, side: Side, currency: str, price: str, start: datetime
) -> UUID:
    async with services.db.transaction(msp_account) as session:
        book = NewPriceBook(side, currency, "Standard")
        book_id = await create_price_book(session, book, now=start, new_id=new_id)
        terms = Terms(unit_price=Decimal(price))
        line = NewPrice(VERIFIED_DELIVERIES.name, "Verified updates", terms, start)
        await set_price(session, book_id, price=line, now=start, new_id=new_id)
    return book_id


async def _seed_client(
    services: Services, msp_account: Scope, plan: DemoClient, *, sandbox: str, token: str
) -> SeededClient:
    scope = await onboard_client(services, msp_account, name=plan.name, slug=plan.slug, currency=plan.currency)
    partner = await add_partner(services, scope, name=plan.partner)
    ids: dict[str, UUID] = {}
    for member in plan.members:
        new = NewAccountMember(member.email, member.name, PASSWORD, member.role, partner if member.partner else None)
        ids[member.email] = await add_member(services, scope, new)
    hook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    base = f"{sandbox}/{plan.slug}"
    erp = await connect(
        services,
        scope,
        NewConnection("sandbox-erp", "ERP", f"{base}-erp", secrets={"webhook_secret": hook_secret, "api_key": token}),
    )
    shop = await connect(
        services, scope, NewConnection("sandbox-shop", "Web shop", f"{base}-shop", secrets={"api_key": token})
    )
    market = await connect(
        services,
        scope,
        NewConnection("sandbox-market", plan.partner, f"{base}-market", secrets={"api_key": token}, partner_id=partner),
    )
    await publish_contracts(services, scope, erp)
    now = utc_now()
    async with services.db.transaction(scope) as session:
        for element, source, owner in (
            (DESCRIPTION, erp, "Content"), (ORDER_DOCUMENT, shop, "Sales"), (ORDER_STATUS, erp, "Sales"),
            (SALE_PRICE, None, "Marketing"),
        ):  # fmt: skip
            await publish_contract(
                session, element=element, source_connection_id=source, owner=owner, now=now,
                propagation_slo=timedelta(seconds=30), correction_slo=timedelta(hours=4),
            )  # fmt: skip
        for domain, owner in _DOMAIN_OWNERS:
            await set_domain_owner(session, DomainOwnerInput(domain=domain, owner=owner), now=now)
        await schedule_poll(session, erp, at=now)
        await schedule_rating(session, now + timedelta(seconds=45))
    approver = next(member for member in plan.members if member.role == "client_approver")
    return SeededClient(plan, scope, erp, shop, hook_secret, (shop, market), approver, ids[approver.email])
