"""Page of a client's credit balance."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.invoices.life import load_balances
from billing.invoices.settle import parse_minor
from billing.permissions import BillingPermission
from billing.wallets.credit import give_credit, load_credit, read_currency, set_credit_rule, take_credit_back
from billing.wallets.schemas import CreditRuleInput, NewGrant
from billing.wallets.states import GIVEN, GRANT_LABELS, MOVE_LABELS, GrantKind
from billing.web.forms import read_typed
from canonical.money import Money, stored_exponent
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.lists import is_day
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_BALANCE: Final = "/clients/{client:str}/balance"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_MOST: Final = 10**15


@get(_BALANCE, name="credit_balance", opt=_READ, include_in_schema=False)
async def show_balance_page(access: OpenAccess) -> Response[Any]:
    return await _page(access, {})


@post(f"{_BALANCE}/grants", opt=_WRITE, include_in_schema=False)
async def grant_credit_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _grant(access, typed))
    if refusal is not None:
        return await _page(access, typed, refusal)
    return redirect_to(access, "/balance", done=translate("Credit granted"))


@post(f"{_BALANCE}/grants/{{credit_id:uuid}}/withdraw", opt=_WRITE, include_in_schema=False)
async def withdraw_credit_page(request: AnyRequest, access: OpenAccess, credit_id: FromPath[UUID]) -> Response[Any]:
    reason = (await read_typed(request)).get("reason", "")
    taking = take_credit_back(access.session, credit_id, reason, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, taking)
    if refusal is not None:
        return await _page(access, {}, refusal)
    return redirect_to(access, "/balance", done=translate("Credit withdrawn"))


@post(f"{_BALANCE}/rule", opt=_WRITE, include_in_schema=False)
async def set_credit_rule_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _rule(access, typed))
    if refusal is not None:
        return await _page(access, typed, refusal)
    return redirect_to(access, "/balance", done=translate("Saved"))


BALANCE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_balance_page, grant_credit_page, withdraw_credit_page, set_credit_rule_page,
)  # fmt: skip


async def _grant(access: Access, typed: Typed) -> None:
    """Raises InvalidInput."""
    kind, last, place = typed.get("kind", ""), typed.get("expires_on", ""), typed.get("priority", "")
    if kind not in list(GIVEN):
        raise InvalidInput(N_("Choose prepaid or promotional."), field="kind")
    if last and not is_day(last):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="expires_on")
    if not (place.isascii() and place.isdigit() and len(place) <= 4 and int(place) <= 1000):
        raise InvalidInput(N_("Enter a whole number."), field="priority")
    currency = read_currency(typed.get("currency", ""))
    amount = _amount(typed, "amount", currency)
    if not amount:
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="amount")
    grant = NewGrant(
        kind=GrantKind(kind), currency=currency, amount_minor=amount, priority=int(place),
        expires_on=date.fromisoformat(last) if last else None, reason=typed.get("reason", ""),
    )  # fmt: skip
    await give_credit(access.session, grant, now=access.now, new_id=new_id)


async def _rule(access: Access, typed: Typed) -> None:
    """Raises InvalidInput."""
    currency = read_currency(typed.get("rule_currency", ""))
    rule = CreditRuleInput(currency, _amount(typed, "low", currency), _amount(typed, "top_up", currency))
    await set_credit_rule(access.session, rule, now=access.now, new_id=new_id)


def _amount(typed: Typed, name: str, currency: str) -> int:
    """Minor units of the typed amount; 0 for an empty field. Raises InvalidInput."""
    text = typed.get(name, "")
    amount = parse_minor(text, stored_exponent(currency), field=name) if text else 0
    if not 0 <= amount <= _MOST:
        raise InvalidInput(N_("Enter an amount such as 12.50."), field=name)
    return amount


async def _page(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    if field == "currency" and "rule_currency" in typed:
        field = "rule_currency"
    context = {
        "root": access.root,
        "credit": await load_credit(access.session, access.now),
        "over": await load_balances(access.session, access.scope.tenant_id),
        "grant_labels": GRANT_LABELS,
        "move_labels": MOVE_LABELS,
        "kinds": [(one.value, translate(one.label)) for one in GIVEN],
        "money": Money,
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not (field and typed) else None,
        "today": access.now.date(),
    }
    return render_page(access, "billing/balance.html", translate("Credit balance"), context, refusal=refusal)
