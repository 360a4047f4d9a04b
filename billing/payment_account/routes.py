"""API of the MSP's payment account."""

from typing import Any, Final

from litestar import Request, get
from litestar.params import JSONBody

from billing.payment_account import accounts
from billing.payment_account.accounts import account_view, find_payment_account
from billing.payment_account.schemas import PaymentAccountInput, PaymentAccountView
from billing.payment_account.services import PaymentServices
from billing.payment_account.web.reading import AccountReading, KeyTrial, require_status, status_of
from billing.permissions import BillingPermission
from foundation.web.api import post, put
from tenants.auth.step_up import STEP_UP
from tenants.web.before import BEFORE
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ACCOUNT: Final = "/api/v1/payment-account"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE: Final = {"permission": BillingPermission.WRITE_PAYMENT_ACCOUNT}


@get(_ACCOUNT, opt=_READ, tags=["payments"])
async def show_payment_account(access: OpenAccess) -> PaymentAccountView:
    """Show the payment provider of your clients. Keys are never shown."""
    return account_view(await find_payment_account(access.session))


def build_payment_account_routes(services: PaymentServices) -> tuple[Any, ...]:
    @put(_ACCOUNT, opt=_WRITE | STEP_UP | {BEFORE: KeyTrial(services)}, tags=["payments"], status_code=200)
    async def save_payment_account(
        request: AnyRequest, access: OpenAccess, data: JSONBody[PaymentAccountInput]
    ) -> PaymentAccountView:
        """Set the payment provider of your clients. A key of Stripe is tried, and stored encrypted."""
        await accounts.set_payment_account(access.session, services, data, status=status_of(request), now=access.now)
        return account_view(await find_payment_account(access.session))

    @post(f"{_ACCOUNT}/check", opt=_WRITE | {BEFORE: AccountReading(services)}, tags=["payments"], status_code=200)
    async def check_payment_account(request: AnyRequest, access: OpenAccess) -> PaymentAccountView:
        """Read the account at Stripe by the stored key."""
        await accounts.check_payment_account(access.session, require_status(request), now=access.now)
        return account_view(await find_payment_account(access.session))

    return (show_payment_account, save_payment_account, check_payment_account)
