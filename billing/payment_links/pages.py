"""Pages that lead to the payment provider and back."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from billing.invoices.repository import load_invoice
from billing.payment_account.services import PaymentServices
from billing.payment_links.links import (
    METHODS,
    PATH,
    PURPOSE,
    LinkKind,
    LinkTicket,
    open_link,
    require_connected,
    require_stripe,
)
from billing.payment_methods.profiles import request_reading
from billing.payments.job_types import CHECK_ACCOUNT, LANE
from billing.payments.states import RemoteStatus
from billing.permissions import BillingPermission
from branding.pages import ShownBrand
from foundation.errors import Conflict, DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.web.render import HEADERS, redirect_to
from tenants.access import Access
from tenants.auth.pages import msp_of, render_form
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.security.pages import signed_in_member
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_METHODS: Final = f"/clients/{{client:str}}/{METHODS}"
_INVOICE: Final = "/clients/{client:str}/invoices/{invoice_id:uuid}"
_PAY: Final = {"permission": BillingPermission.PAY_INVOICE}
_ACCOUNT: Final = "/payment-account"
_CONNECT: Final = {"permission": BillingPermission.WRITE_PAYMENT_ACCOUNT}
_READ: Final = {"permission": BillingPermission.READ_INVOICES}


async def issue_link(request: AnyRequest, access: Access, auth: AuthServices, ticket: LinkTicket) -> str:
    """Issue a ticket. Returns its address here, which opens the link once."""
    text = await auth.tickets.issue(access.scope.msp_id, PURPOSE, ticket)
    return f"{portal_of(request, access.brand).origin}{PATH}/{text}"


def ticket_of(
    request: AnyRequest, access: Access, kind: LinkKind, page: str, *, invoice_id: UUID | None = None
) -> LinkTicket:
    """Build a ticket. With a session, only its member can open it; a link made by an API key has no such
    restriction.
    """
    member_id = access.principal.id if access.signed_in is not None else None
    origin = portal_of(request, access.brand).origin
    return LinkTicket(kind, access.scope.tenant_id, origin, f"{access.root}{page}", member_id, invoice_id)


async def require_payable(access: Access, invoice_id: UUID) -> None:
    """Raises NotFound, Conflict."""
    found = (await load_invoice(access.session, invoice_id)).collection
    if found is None or not found.payment_url or found.status != RemoteStatus.OPEN:
        raise Conflict(N_("This invoice cannot be paid online now."))


def build_pages(services: PaymentServices, auth: AuthServices) -> Sequence[HTTPRouteHandler]:
    return (
        *_build_starts(auth), _build_account_start(auth), _build_opening(services, auth), leave_payment_provider_page,
        leave_account_setup_page,
    )  # fmt: skip


def _build_starts(auth: AuthServices) -> tuple[HTTPRouteHandler, ...]:
    async def go(request: AnyRequest, access: Access, ticket: LinkTicket) -> Response[Any]:
        address = await issue_link(request, access, auth, ticket)
        return Redirect(address, status_code=303, headers=dict(HEADERS))

    @get(f"{_METHODS}/add", name="add_payment_method", opt=_PAY, include_in_schema=False)
    async def add_payment_method_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        await require_stripe(access.session)
        return await go(request, access, ticket_of(request, access, LinkKind.METHOD, f"/{METHODS}"))

    @get(f"{_METHODS}/portal", name="payment_portal", opt=_PAY, include_in_schema=False)
    async def open_payment_portal_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        await require_stripe(access.session)
        return await go(request, access, ticket_of(request, access, LinkKind.PORTAL, f"/{METHODS}"))

    @get(f"{_INVOICE}/pay", name="pay_invoice", opt=_READ, include_in_schema=False)
    async def pay_invoice_page(request: AnyRequest, access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[Any]:
        await require_payable(access, invoice_id)
        page = f"/invoices/{invoice_id}"
        return await go(request, access, ticket_of(request, access, LinkKind.INVOICE, page, invoice_id=invoice_id))

    return (add_payment_method_page, open_payment_portal_page, pay_invoice_page)


def _build_account_start(auth: AuthServices) -> HTTPRouteHandler:
    @get(f"{_ACCOUNT}/connect", name="connect_account", opt=_CONNECT | STEP_UP, include_in_schema=False)
    async def connect_account_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Stripe sends the browser here, too, when its page is out of date."""
        await require_connected(access.session)
        ticket = ticket_of(request, access, LinkKind.ACCOUNT, _ACCOUNT)
        address = await issue_link(request, access, auth, ticket)
        return Redirect(address, status_code=303, headers=dict(HEADERS))

    return connect_account_page


@get(f"{_ACCOUNT}/returned", name="left_account_setup", opt=_CONNECT, include_in_schema=False)
async def leave_account_setup_page(access: OpenAccess) -> Response[Any]:
    """Return from Stripe: enqueue reading the account's status."""
    await require_connected(access.session)
    enqueue(access.session, [NewJob(LANE, CHECK_ACCOUNT, key=CHECK_ACCOUNT.name)])
    return redirect_to(access, _ACCOUNT, done=translate("The payment provider is asked"))


@get(f"{_METHODS}/returned", name="left_payment_provider", opt=_PAY, include_in_schema=False)
async def leave_payment_provider_page(access: OpenAccess) -> Response[Any]:
    """Return from the provider: enqueue reading the saved payment methods."""
    await request_reading(access.session)
    return redirect_to(access, f"/{METHODS}", done=translate("The payment provider is asked"))


def _build_opening(services: PaymentServices, auth: AuthServices) -> HTTPRouteHandler:
    @get(f"{PATH}/{{ticket:str}}", name="payment_link", opt={"public": True}, include_in_schema=False)
    async def open_payment_link_page(request: AnyRequest, ticket: FromPath[str], brand: ShownBrand) -> Response[Any]:
        """The redirect to the provider. The page is public, as no transaction may wait for another system."""
        msp_id = msp_of(brand)
        found = await auth.tickets.take(msp_id, PURPOSE, ticket, LinkTicket)
        if found is None:
            raise NotFound(N_("This link was used already, or is too old. Begin again."))
        if found.member_id is not None:
            who = await signed_in_member(request, brand, auth)
            if who is None or who.principal.id != found.member_id:
                raise NotFound(N_("This link was used already, or is too old. Begin again."))
        try:
            address = await open_link(services, msp_id, found)
        except DomainError as refusal:
            context = {
                "template": "billing/payment_link.html", "title": refusal.heading, "href": found.page,
            }  # fmt: skip
            return render_form(request, brand, auth, context, refusal=refusal)
        return Redirect(address, status_code=303, headers=dict(HEADERS))

    return open_payment_link_page
