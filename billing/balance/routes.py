"""API of a client's credit balance."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.wallets.credit import give_credit, load_credit, set_credit_rule, take_credit_back
from billing.wallets.schemas import CreditBalance, CreditRuleInput, NewGrant, WithdrawInput
from foundation.ids import new_id
from foundation.web.api import post, put
from tenants.web.dependencies import OpenAccess

_BALANCE: Final = "/api/v1/clients/{client:str}/balance"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_TAGS: Final = ["credit"]


@get(_BALANCE, opt=_READ, tags=_TAGS)
async def show_balance(access: OpenAccess) -> CreditBalance:
    """Return a client's credit: the available amount by currency, the grants, the latest 100 changes, and the rules."""
    return await load_credit(access.session, access.now)


@post(f"{_BALANCE}/grants", opt=_WRITE, tags=_TAGS)
async def create_credit_grant(access: OpenAccess, data: JSONBody[NewGrant]) -> CreditBalance:
    """Grant credit to a client, prepaid or promotional."""
    await give_credit(access.session, data, now=access.now, new_id=new_id)
    return await load_credit(access.session, access.now)


@post(f"{_BALANCE}/grants/{{credit_id:uuid}}/withdrawal", opt=_WRITE, tags=_TAGS)
async def withdraw_credit_grant(
    access: OpenAccess, credit_id: FromPath[UUID], data: JSONBody[WithdrawInput]
) -> CreditBalance:
    """Withdraw the rest of a grant."""
    await take_credit_back(access.session, credit_id, data.reason, now=access.now, new_id=new_id)
    return await load_credit(access.session, access.now)


@put(f"{_BALANCE}/rule", opt=_WRITE, tags=_TAGS, status_code=200)
async def save_credit_rule(access: OpenAccess, data: JSONBody[CreditRuleInput]) -> CreditBalance:
    """Set what happens when the credit of a currency is low: its members are notified, and a top-up is added to the
    draft.

    `low_minor` 0 removes the rule.
    """
    await set_credit_rule(access.session, data, now=access.now, new_id=new_id)
    return await load_credit(access.session, access.now)


BALANCE_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_balance, create_credit_grant, withdraw_credit_grant, save_credit_rule,
)  # fmt: skip
