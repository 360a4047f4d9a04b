"""Page of a client's payment methods."""

from collections.abc import Awaitable
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.payment_account.states import ProviderKind
from billing.payment_methods.job_types import MethodAct
from billing.payment_methods.profiles import (
    add_sandbox_card,
    change_method,
    load_methods,
    request_reading,
    set_automatic,
)
from billing.permissions import BillingPermission
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/payment-methods"
_ROOT: Final = f"/clients/{{client:str}}{_PATH}"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_PAY: Final = {"permission": BillingPermission.PAY_INVOICE}


@get(_ROOT, name="payment_methods", opt=_READ, include_in_schema=False)
async def show_payment_methods_page(access: OpenAccess) -> Response[Any]:
    return await _page(access)


@post(f"{_ROOT}/automatic", opt=_PAY, include_in_schema=False)
async def set_automatic_payment_page(request: Request[Any, Any, Any], access: OpenAccess) -> Response[Any]:
    charges = "charges" in await request.form()
    agreeing = set_automatic(access.session, access.principal, charges=charges, now=access.now)
    return await _done(access, agreeing, translate("Saved"))


@post(f"{_ROOT}/reading", opt=_PAY, include_in_schema=False)
async def read_payment_methods_page(access: OpenAccess) -> Response[Any]:
    return await _done(access, request_reading(access.session), translate("The payment provider is asked"))


@post(f"{_ROOT}/sandbox-card", opt=_PAY, include_in_schema=False)
async def create_sandbox_card_page(access: OpenAccess) -> Response[Any]:
    return await _done(access, add_sandbox_card(access.session, now=access.now), translate("Test card saved"))


@post(f"{_ROOT}/{{method:str}}/default", opt=_PAY, include_in_schema=False)
async def choose_payment_method_page(access: OpenAccess, method: FromPath[str]) -> Response[Any]:
    changing = change_method(access.session, method, MethodAct.CHOOSE, now=access.now)
    return await _done(access, changing, translate("Saved"))


@post(f"{_ROOT}/{{method:str}}/remove", opt=_PAY, include_in_schema=False)
async def remove_payment_method_page(access: OpenAccess, method: FromPath[str]) -> Response[Any]:
    changing = change_method(access.session, method, MethodAct.REMOVE, now=access.now)
    return await _done(access, changing, translate("Payment method removed"))


PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_payment_methods_page, set_automatic_payment_page, read_payment_methods_page, create_sandbox_card_page,
    choose_payment_method_page, remove_payment_method_page,
)  # fmt: skip


async def _done(access: Access, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await run_action(access.session, act)
    return await _page(access, refusal) if refusal is not None else redirect_to(access, _PATH, done=done)


async def _page(access: Access, refusal: DomainError | None = None) -> Response[Any]:
    found = await load_methods(access.session)
    context = {
        "found": found,
        "is_manual": found.provider is ProviderKind.MANUAL,
        "agrees": access.may(BillingPermission.PAY_INVOICE)
        and (found.charges_automatically or not access.principal.is_staff),
        "is_sandbox": found.provider is ProviderKind.SANDBOX,
    }
    return render_page(access, "billing/payment_methods.html", translate("Payment methods"), context, refusal=refusal)
