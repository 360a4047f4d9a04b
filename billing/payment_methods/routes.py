"""API of a client's payment methods."""

from typing import Any, Final

from litestar import get
from litestar.params import FromPath, JSONBody

from billing.payment_methods import profiles
from billing.payment_methods.job_types import MethodAct
from billing.payment_methods.profiles import load_methods
from billing.payment_methods.schemas import AutomaticPaymentInput, PaymentMethods
from billing.permissions import BillingPermission
from foundation.web.api import delete, post, put
from tenants.web.dependencies import OpenAccess

_METHODS: Final = "/api/v1/clients/{client:str}/payment-methods"
_ONE: Final = f"{_METHODS}/{{method:str}}"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_PAY: Final = {"permission": BillingPermission.PAY_INVOICE}


@get(_METHODS, opt=_READ, tags=["payments"])
async def show_payment_methods(access: OpenAccess) -> PaymentMethods:
    """Show the saved cards and debit mandates, and whether invoices are charged to the default one."""
    return await load_methods(access.session)


@put(f"{_METHODS}/automatic", opt=_PAY, tags=["payments"], status_code=200)
async def set_automatic_payment(access: OpenAccess, data: JSONBody[AutomaticPaymentInput]) -> PaymentMethods:
    """Agree that sent invoices are charged to the default method, or withdraw that. Only a member of the client can
    agree.
    """
    await profiles.set_automatic(access.session, access.principal, charges=data.charges_automatically, now=access.now)
    return await load_methods(access.session)


@post(f"{_METHODS}/reading", opt=_PAY, tags=["payments"], status_code=202)
async def read_payment_methods(access: OpenAccess) -> PaymentMethods:
    """Read the saved methods from the payment provider again."""
    await profiles.request_reading(access.session)
    return await load_methods(access.session)


@post(f"{_METHODS}/sandbox-card", opt=_PAY, tags=["payments"], status_code=201)
async def create_sandbox_card(access: OpenAccess) -> PaymentMethods:
    """Save a card of the sandbox, where no money moves."""
    await profiles.add_sandbox_card(access.session, now=access.now)
    return await load_methods(access.session)


@post(f"{_ONE}/default", opt=_PAY, tags=["payments"], status_code=202)
async def choose_payment_method(access: OpenAccess, method: FromPath[str]) -> PaymentMethods:
    """Make a saved method the one that is charged."""
    await profiles.change_method(access.session, method, MethodAct.CHOOSE, now=access.now)
    return await load_methods(access.session)


@delete(_ONE, opt=_PAY, tags=["payments"], status_code=202)
async def remove_payment_method(access: OpenAccess, method: FromPath[str]) -> PaymentMethods:
    """Remove a saved method at the payment provider."""
    await profiles.change_method(access.session, method, MethodAct.REMOVE, now=access.now)
    return await load_methods(access.session)


ROUTES: Final[tuple[Any, ...]] = (
    show_payment_methods, set_automatic_payment, read_payment_methods, create_sandbox_card, choose_payment_method,
    remove_payment_method,
)  # fmt: skip
