"""API of collection by the payment provider, and the address of its webhooks.

Webhooks have a raw ASGI handler, because the signature is over the bytes of the body.
"""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.handlers import asgi
from litestar.params import FromPath, JSONBody
from litestar.types import Receive, Scope, Send

from billing.collection.collect_job import request_collection
from billing.collection.hooks import receive_event, receive_platform_event
from billing.collection.lists import DRIFT
from billing.collection.refund import refund_invoice
from billing.collection.sandbox import pay_in_sandbox
from billing.invoices.inputs import Net, Reason
from billing.invoices.repository import load_invoice
from billing.payment_account.services import PaymentServices
from billing.permissions import BillingPermission
from billing.schemas import InvoiceDetail
from foundation.errors import DomainError, NotFound
from foundation.marks import N_
from foundation.telemetry.correlation import current_correlation
from foundation.web.api import post
from foundation.web.errors import BodyTooLarge, MethodNotAllowed, RequestIncomplete
from foundation.web.problems import problem_body
from foundation.web.requests import RequestBody
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_INVOICE: Final = "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}"
HOOKS: Final = "/payment-hooks"
MAX_BODY: Final = 1024 * 1024
_WITHIN: Final = {"", HOOKS}
"""Path prefixes before the address: the full one, or the rest after a framework's mount."""
_JSON: Final = [(b"content-type", b"application/json")]
_PROBLEM: Final = [(b"content-type", b"application/problem+json")]
_ALLOW: Final = (b"allow", b"POST")
DRIFT_LIST: Final = list_route(
    DRIFT,
    "/api/v1/payment-differences",
    opt={"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True},
    tags=["payments"],
    about="List the invoices whose amounts here and at the payment provider differ, in minor units.",
)


@post(f"{_INVOICE}/collection", opt={"permission": BillingPermission.ISSUE_INVOICE}, tags=["payments"], status_code=202)
async def collect_invoice_again(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Bring a sent invoice to the payment provider, or update its state there, as happens after each step."""
    await request_collection(access.session, invoice_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_INVOICE}/sandbox-payment", opt={"permission": BillingPermission.PAY_INVOICE}, tags=["payments"])
async def pay_invoice_in_sandbox(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Pay an invoice in the sandbox, where no money moves."""
    await pay_in_sandbox(access.session, invoice_id, now=access.now)
    found = await load_invoice(access.session, invoice_id)
    return found if access.may(BillingPermission.ISSUE_INVOICE) else found.for_payer()


class RefundInput(RequestBody, frozen=True):
    """`net_minor` is before tax, in minor units; all that is left if not given. The amount's part of the tax is
    refunded, too.
    """

    reason: Reason
    net_minor: Net | None = None


@post(f"{_INVOICE}/refunds", opt={"permission": BillingPermission.ISSUE_INVOICE} | STEP_UP, tags=["payments"])
async def create_refund(access: OpenAccess, invoice_id: FromPath[UUID], data: JSONBody[RefundInput]) -> InvoiceDetail:
    """Credit a part of a paid invoice, or all of it, and let the payment provider pay it back."""
    await refund_invoice(access.session, invoice_id, reason=data.reason, net_minor=data.net_minor, now=access.now)
    return await load_invoice(access.session, invoice_id)


ROUTES: Final[tuple[Any, ...]] = (DRIFT_LIST, collect_invoice_again, pay_invoice_in_sandbox, create_refund)


def payment_hooks_handler(services: PaymentServices) -> "asgi":
    """The handler mounted at /payment-hooks."""

    @asgi(HOOKS, is_mount=True, copy_scope=True, opt={"public": True})
    async def receive_payment_hook(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            msp_id = None if _is_platform(str(scope["path"])) else _msp_of(str(scope["path"]))
            if scope.get("method") != "POST":
                raise MethodNotAllowed(N_("Send webhooks with POST."))
            body = await _read(receive)
            headers = dict(scope["headers"])
            signature = headers.get(b"stripe-signature", b"").decode("latin-1")
            if msp_id is None:
                receipt = await receive_platform_event(services, signature, body, now=services.clock())
            else:
                receipt = await receive_event(services, msp_id, signature, body, now=services.clock())
        except DomainError as error:
            problem = [*_PROBLEM, _ALLOW] if isinstance(error, MethodNotAllowed) else _PROBLEM
            await _answer(send, error.status, problem, problem_body(error, current_correlation()))
            return
        await _answer(send, 200, _JSON, msgspec.json.encode({"status": receipt}))

    return receive_payment_hook


def _is_platform(path: str) -> bool:
    """Whether the path is the platform's: one address for the webhooks of all connected accounts."""
    within, _, address = path.rstrip("/").rpartition("/")
    return within in _WITHIN and address == "connect"


def _msp_of(path: str) -> UUID:
    """Raises NotFound."""
    within, _, address = path.rstrip("/").rpartition("/")
    try:
        if within in _WITHIN:
            return UUID(address)
    except ValueError:
        pass
    raise NotFound(N_("No payment account has this address."))


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise RequestIncomplete
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BodyTooLarge(
                N_("A webhook may have at most {most} bytes. Send it in parts."), params={"most": MAX_BODY}
            )
        more = bool(message.get("more_body"))
    return body


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
