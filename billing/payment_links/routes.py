"""API of links to the payment provider's pages."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request
from litestar.params import FromPath, JSONBody

from billing.payment_links.links import METHODS, LinkKind, require_connected, require_stripe
from billing.payment_links.pages import issue_link, require_payable, ticket_of
from billing.permissions import BillingPermission
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.api import post
from foundation.web.requests import RequestBody
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_CLIENT: Final = "/api/v1/clients/{client:str}"


class PaymentLinkInput(RequestBody, frozen=True):
    """`method`: a page on which a card or debit mandate is entered; `portal`: the customer's page at the provider."""

    kind: LinkKind


class PaymentLink(msgspec.Struct, frozen=True):
    """An address to open in a browser: once, within ten minutes."""

    url: str


def build_routes(auth: AuthServices) -> Sequence[Any]:
    @post(f"{_CLIENT}/payment-links", opt={"permission": BillingPermission.PAY_INVOICE}, tags=["payments"])
    async def create_payment_link(
        request: AnyRequest, access: OpenAccess, data: JSONBody[PaymentLinkInput]
    ) -> PaymentLink:
        """Make a link to a page of the payment provider, for a browser."""
        if data.kind not in (LinkKind.METHOD, LinkKind.PORTAL):
            raise InvalidInput(N_("Links of invoices and of accounts are made there."), field="kind")
        await require_stripe(access.session)
        return PaymentLink(
            await issue_link(request, access, auth, ticket_of(request, access, data.kind, f"/{METHODS}"))
        )

    @post(
        f"{_CLIENT}/invoices/{{invoice_id:uuid}}/payment-link",
        opt={"permission": BillingPermission.READ_INVOICES},
        tags=["payments"],
    )
    async def create_invoice_payment_link(
        request: AnyRequest, access: OpenAccess, invoice_id: FromPath[UUID]
    ) -> PaymentLink:
        """Make a link to the page on which the invoice is paid, for a browser."""
        await require_payable(access, invoice_id)
        page = f"/invoices/{invoice_id}"
        ticket = ticket_of(request, access, LinkKind.INVOICE, page, invoice_id=invoice_id)
        return PaymentLink(await issue_link(request, access, auth, ticket))

    @post(
        "/api/v1/payment-account/links",
        opt={"permission": BillingPermission.WRITE_PAYMENT_ACCOUNT} | STEP_UP,
        tags=["payments"],
    )
    async def create_account_link(request: AnyRequest, access: OpenAccess) -> PaymentLink:
        """Make a link to the page on which your connected account at Stripe is set up, for a browser."""
        await require_connected(access.session)
        ticket = ticket_of(request, access, LinkKind.ACCOUNT, "/payment-account")
        return PaymentLink(await issue_link(request, access, auth, ticket))

    return (create_payment_link, create_invoice_payment_link, create_account_link)
