"""Page of the MSP's payment account."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from billing.payment_account.accounts import (
    account_view,
    check_payment_account,
    find_payment_account,
    set_payment_account,
)
from billing.payment_account.schemas import PaymentAccountInput, PaymentAccountView
from billing.payment_account.services import PaymentServices
from billing.payment_account.states import MODE_LABELS, PROVIDER_LABELS, ProviderKind
from billing.payment_account.web.reading import AccountReading, KeyTrial, require_status, status_of
from billing.permissions import BillingPermission
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.before import BEFORE
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/payment-account"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE: Final = {"permission": BillingPermission.WRITE_PAYMENT_ACCOUNT}
_SECRETS: Final = ("secret_key", "signing_secret")
_LONGEST: Final = 255
_CONNECT: Final = "connect"
"""The form's choice of a connected account."""


def build_payment_account_pages(services: PaymentServices) -> tuple[HTTPRouteHandler, ...]:
    @get(_PATH, name="payment_account", opt=_READ, include_in_schema=False)
    async def show_payment_account_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _page(request, access, services, {})

    @post(_PATH, opt=_WRITE | STEP_UP | {BEFORE: KeyTrial(services)}, include_in_schema=False)
    async def set_payment_account_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        typed = {name: str(form.get(name, "")).strip() for name in ("provider", *_SECRETS)}
        refusal = await run_action(access.session, _set(request, access, services, typed))
        if refusal is not None:
            return await _page(request, access, services, typed, refusal)
        return redirect_to(access, _PATH, done=translate("Saved"))

    @post(f"{_PATH}/check", opt=_WRITE | {BEFORE: AccountReading(services)}, include_in_schema=False)
    async def check_payment_account_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        refusal = await run_action(access.session, _check(request, access))
        if refusal is not None:
            return await _page(request, access, services, {}, refusal)
        return redirect_to(access, _PATH, done=translate("Stripe answered"))

    return (show_payment_account_page, set_payment_account_page, check_payment_account_page)


async def _check(request: AnyRequest, access: Access) -> None:
    """Record the account's status. Raises the errors of the reading, and Conflict."""
    await check_payment_account(access.session, require_status(request), now=access.now)


async def _set(request: AnyRequest, access: Access, services: PaymentServices, typed: Mapping[str, str]) -> None:
    """Set the account. Raises InvalidInput, and the errors of `set_payment_account`."""
    connects = typed["provider"] == _CONNECT
    if not connects and typed["provider"] not in list(ProviderKind):
        raise InvalidInput(N_("Choose how your clients pay."), field="provider")
    for name in _SECRETS:
        if len(typed[name]) > _LONGEST:
            raise InvalidInput(N_("This is too long, or not within the limits."), field=name)
    wanted = PaymentAccountInput(
        provider=ProviderKind.STRIPE if connects else ProviderKind(typed["provider"]), connects=connects,
        secret_key=typed["secret_key"] or None,
        signing_secret=typed["signing_secret"] or None,
    )  # fmt: skip
    await set_payment_account(access.session, services, wanted, status=status_of(request), now=access.now)


def _choices(services: PaymentServices, account: PaymentAccountView) -> list[tuple[str, str]]:
    found = [(kind.value, translate(label)) for kind, label in PROVIDER_LABELS.items()]
    offered = [(_CONNECT, translate("Stripe, connected to this installation"))]
    return [*found, *(offered if services.platform.key or account.connected else [])]


async def _page(
    request: AnyRequest,
    access: Access,
    services: PaymentServices,
    typed: Mapping[str, str],
    refusal: DomainError | None = None,
) -> Response[Any]:
    account = account_view(await find_payment_account(access.session))
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "account": account,
        "webhook_address": f"{portal_of(request, access.brand).origin}{account.webhook_path}",
        "provider": typed.get("provider", _CONNECT if account.connected else account.provider.value),
        "providers": _choices(services, account),
        "provider_label": PROVIDER_LABELS[account.provider],
        "mode": MODE_LABELS[account.mode] if account.provider is ProviderKind.STRIPE and account.mode else None,
        "is_stripe": account.provider is ProviderKind.STRIPE,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
    }
    return render_page(access, "billing/payment_account.html", translate("Payments"), context, refusal=refusal)
