"""Kinds of links, and their opening at the payment provider."""

from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.apply import apply_remote
from billing.legal_entities.repository import find_billing_details
from billing.payment_account.accounts import find_payment_account, open_account, write_connected
from billing.payment_account.current import find_current_account
from billing.payment_account.models import PaymentAccount
from billing.payment_account.services import PaymentServices
from billing.payment_account.states import ProviderKind
from billing.payment_methods.profiles import write_customer
from billing.payments.port import PayingClient, PaymentProvider
from billing.payments.provider_invoices import find_row
from billing.payments.states import RemoteStatus
from foundation.errors import Conflict
from foundation.marks import N_
from foundation.scope import Actor, Scope
from tenants.accounts import get_client

PURPOSE: Final = "payment-link"
PATH: Final = "/payment-links"
METHODS: Final = "payment-methods"
ACTOR: Final = Actor.system("payment link")


class LinkKind(StrEnum):
    METHOD = "method"
    """Enter a card or debit mandate."""
    PORTAL = "portal"
    """The provider's own page of the customer."""
    INVOICE = "invoice"
    """Pay one invoice."""
    ACCOUNT = "account"
    """Set up the MSP's connected account."""


class LinkTicket(msgspec.Struct, frozen=True):
    """A ticket for one link. `page`: the page to return to, below `origin`. With `member_id`, only that member's
    session opens it.
    """

    kind: LinkKind
    tenant_id: UUID
    origin: str
    page: str
    member_id: UUID | None = None
    invoice_id: UUID | None = None


async def require_stripe(session: AsyncSession) -> None:
    """Check that invoices are paid at a provider with pages of its own, in a client's scope or the MSP's. Raises
    Conflict.
    """
    current = await find_current_account(session)
    if current is None or current[1] is not ProviderKind.STRIPE:
        raise Conflict(N_("Invoices are not paid by a payment provider with pages of its own."))


async def open_link(services: PaymentServices, msp_id: UUID, ticket: LinkTicket) -> str:
    """Return the address of the provider's page. Transactions are short, and none is open during a call of the
    provider.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: there is no such page now.
        ProviderRefused, ProviderUncertain, ProviderBusy, OutboundHeld: no page.
    """
    scope = Scope(msp_id, ticket.tenant_id, ACTOR)
    if ticket.kind is LinkKind.ACCOUNT:
        return checked(await _set_up(services, scope, ticket))
    account = await open_account(services, scope)
    if account is None or account.provider is None:
        raise Conflict(N_("Invoices are not paid by a payment provider with pages of its own."))
    if ticket.kind is LinkKind.INVOICE and ticket.invoice_id is not None:
        return checked(await _pay(services, scope, account.provider, account.id, ticket.invoice_id))
    async with services.db.transaction(scope) as session:
        payer = await payer_of(session)
    customer_id = await account.provider.put_customer(payer)
    back = f"{ticket.origin}{ticket.page}/returned"
    if ticket.kind is LinkKind.PORTAL:
        return checked(await account.provider.portal_link(customer_id, return_url=back))
    link = await account.provider.method_link(customer_id, return_url=back, currency=await _currency(services, scope))
    async with services.db.transaction(scope) as session:
        await write_customer(session, account.id, customer_id, link.session_id)
    return checked(link.url)


async def require_connected(session: AsyncSession) -> PaymentAccount:
    """Return the MSP's connected account, in the MSP account. Raises Conflict: it has none."""
    account = await find_payment_account(session)
    if account is None or not account.connected:
        raise Conflict(N_("Choose the connected account of Stripe first, and save."))
    return account


async def _set_up(services: PaymentServices, scope: Scope, ticket: LinkTicket) -> str:
    """Stripe's page for the missing details of the MSP's account, which is created at the first click."""
    async with services.db.transaction(scope) as session:
        account = await require_connected(session)
    if not services.platform.key:
        raise Conflict(N_("This installation has no account to which yours could be connected."))
    platform, external_id = services.connect_of(scope, account.id), account.external_id
    if not external_id:
        external_id = await platform.put_account(scope.msp_id)
        async with services.db.transaction(scope) as session:
            await write_connected(session, account.id, external_id, now=services.clock())
    back = f"{ticket.origin}{ticket.page}"
    return await platform.account_link(external_id, return_url=f"{back}/returned", refresh_url=f"{back}/connect")


def checked(url: str) -> str:
    """The address, if it is http or https. Raises Conflict."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Conflict(N_("The payment provider named no page."))
    return url


async def payer_of(session: AsyncSession) -> PayingClient:
    client, details = await get_client(session), await find_billing_details(session)
    if details is None:
        return PayingClient(client.tenant_id, client.name)
    return PayingClient(client.tenant_id, details.name or client.name, details.email)


async def _currency(services: PaymentServices, scope: Scope) -> str:
    async with services.db.transaction(scope) as session:
        return str((await get_client(session)).currency)


async def _pay(
    services: PaymentServices, scope: Scope, provider: PaymentProvider, account_id: UUID, invoice_id: UUID
) -> str:
    """The address of the invoice's page at the provider, freshly read; the state that was read is applied."""
    async with services.db.transaction(scope) as session:
        row = await find_row(session, invoice_id)
    if row is None or not row.external_id or row.account_id != account_id:
        raise Conflict(N_("This invoice cannot be paid online now."))
    asked_at = services.clock()
    remote = await provider.read_invoice(row.external_id)
    if remote is None:
        raise Conflict(N_("This invoice cannot be paid online now."))
    async with services.db.transaction(scope) as session:
        await apply_remote(session, invoice_id, remote, asked_at=asked_at, now=services.clock())
    if remote.status != RemoteStatus.OPEN or not remote.payment_url:
        raise Conflict(N_("This invoice cannot be paid online now."))
    return remote.payment_url
