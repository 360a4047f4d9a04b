"""Pages of collection: paying in the sandbox, trying again, and differences with the provider."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.collection.collect_job import request_collection
from billing.collection.lists import DRIFT
from billing.collection.refund import refund_invoice
from billing.collection.sandbox import pay_in_sandbox
from billing.invoices.repository import load_invoice
from billing.invoices.settle import parse_minor
from billing.payments.port import FAILURES
from billing.payments.states import DISPUTE_LABELS, REMOTE_LABELS
from billing.permissions import BillingPermission
from billing.states import LABELS
from canonical.money import Money, stored_exponent
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import name_clients
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_INVOICE: Final = "/clients/{client:str}/invoices/{invoice_id:uuid}"
_DRIFT: Final = "/payment-account/differences"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True}


@get(_DRIFT, name="payment_differences", opt=_READ, dependencies=DRIFT.page_parameters, include_in_schema=False)
async def list_payment_differences_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, DRIFT, listed)
    context = {
        "listed": list_view(DRIFT, listed, found, _DRIFT),
        "clients": await name_clients(access.session, {row.client_id for row in found.items}),
        "states": LABELS,
        "remote_labels": REMOTE_LABELS,
        "failures": FAILURES,
        "dispute_labels": DISPUTE_LABELS,
        "money": Money,
    }
    title = translate("Differences with the payment provider")
    return render_page(access, "billing/payment_differences.html", title, context, refusal=listed.refusal)


@post(f"{_INVOICE}/collection", opt={"permission": BillingPermission.ISSUE_INVOICE}, include_in_schema=False)
async def collect_invoice_page(access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, request_collection(access.session, invoice_id))
    if refusal is not None:
        raise refusal
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("The payment provider is asked"))


@post(f"{_INVOICE}/sandbox-payment", opt={"permission": BillingPermission.PAY_INVOICE}, include_in_schema=False)
async def pay_in_sandbox_page(access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, pay_in_sandbox(access.session, invoice_id, now=access.now))
    if refusal is not None:
        raise refusal
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("Paid in the sandbox"))


@post(f"{_INVOICE}/refunds", opt={"permission": BillingPermission.ISSUE_INVOICE} | STEP_UP, include_in_schema=False)
async def refund_invoice_page(
    request: Request[Any, Any, Any], access: OpenAccess, invoice_id: FromPath[UUID]
) -> Response[Any]:
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ("amount", "reason")}
    refusal = await run_action(access.session, _refund(access, invoice_id, typed))
    if refusal is not None:
        raise refusal
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("The refund is on its way"))


async def _refund(access: Access, invoice_id: UUID, typed: Mapping[str, str]) -> None:
    """Raises NotFound, InvalidInput, Conflict."""
    currency = (await load_invoice(access.session, invoice_id)).invoice.currency
    amount = typed["amount"]
    net = parse_minor(amount, stored_exponent(currency), field="amount") if amount else None
    await refund_invoice(access.session, invoice_id, reason=typed["reason"], net_minor=net, now=access.now)


PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_payment_differences_page, export_page(DRIFT, _DRIFT, opt=_READ), collect_invoice_page, pay_in_sandbox_page,
    refund_invoice_page,
)  # fmt: skip
