"""The page of a client's limits and costs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from billing.limits.budgets import read_budgets
from billing.limits.forms import read_limit
from billing.limits.manage import set_limit
from billing.limits.schemas import SPEND, Budgets, BudgetView
from billing.permissions import BillingPermission
from billing.usage.meters import load_countings
from billing.usage.report import write_exactly
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from branding.formats import format_money
from canonical.money import Money
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_PAGE: Final = "/clients/{client:str}/limits"


class LimitView(msgspec.Struct, frozen=True):
    """Texts of a limit. `share`: used and reserved part of `bar`, the limit that the bar shows, if any."""

    budget: BudgetView
    label: str
    used: str
    reserved: str
    included: str
    soft: str
    hard: str
    forecast: str
    bar: Decimal | None
    kind: str

    @property
    def last_day(self) -> datetime | None:
        """The last moment of the temporary limit, whose end is not included."""
        until = self.budget.override_until
        return None if until is None else until - timedelta(microseconds=1)

    @property
    def share(self) -> Decimal:
        return self.budget.used + self.budget.reserved


@get(_PAGE, name="limits", opt={"permission": BillingPermission.READ_USAGE}, include_in_schema=False)
async def show_limits_page(access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    return await _page(access, meters)


@post(_PAGE, opt={"permission": BillingPermission.ISSUE_INVOICE}, include_in_schema=False)
async def set_limit_page(request: AnyRequest, access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    typed = await read_typed(request)
    budgets = await read_budgets(access.session, now=access.now)
    try:
        wanted = read_limit(typed, budgets.currency)
    except InvalidInput as wrong:
        return await _page(access, meters, wrong, typed)
    refusal = await run_action(access.session, set_limit(access.session, meters, wanted, now=access.now))
    if refusal is not None:
        return await _page(access, meters, refusal, typed)
    return redirect_to(access, "/limits", done=translate("Limits set"))


async def _page(
    access: Access, meters: Meters, refusal: DomainError | None = None, typed: Mapping[str, str] | None = None
) -> Response[Any]:
    budgets = await read_budgets(access.session, now=access.now)
    countings = await load_countings(access.session)
    limitable = [
        (one.name, translate(one.label)) for one in meters
        if one.name not in countings or countings[one.name].is_additive
    ]  # fmt: skip
    context = {
        "root": access.root,
        "budgets": budgets,
        "limits": [_view(one, budgets, meters) for one in budgets.items],
        "meters": [(SPEND, translate("Cost of the month")), *limitable],
        "sets": access.may(BillingPermission.ISSUE_INVOICE),
        "switches": [("on", translate("Can be used")), ("off", translate("Switched off"))],
        "typed": typed or {},
        "shown": typed is not None,
        "fields": ("meter", "included", "soft_limit", "hard_limit", "override_until", "override_limit",
                   "override_reason"),
        "errors": {} if refusal is None else {str(refusal.extra.get("field", "")): refusal.detail},
    }  # fmt: skip
    return render_page(access, "billing/limits.html", translate("Limits and cost control"), context, refusal=refusal)


def _view(one: BudgetView, budgets: Budgets, meters: Meters) -> LimitView:
    def write(amount: Decimal | None) -> str:
        if amount is None:
            return ""
        if one.meter == SPEND:
            return format_money(Money(round(amount), budgets.currency)) if budgets.currency else f"{amount}"
        return meters.write_quantity(one.meter, Decimal(write_exactly(round(amount, 2))))

    bar = one.hard_limit if one.hard_limit is not None else one.soft_limit
    if bar is None:
        bar = one.included
    taken = one.used + one.reserved
    kind = "accent"
    if bar is not None and taken * 100 >= bar * 80:
        kind = "bad" if taken >= bar and one.hard_limit is not None else "warn"
    label = translate("Cost of the month") if one.meter == SPEND else meters.label_of(one.meter)
    return LimitView(
        one, label, write(one.used), write(one.reserved) if one.reserved else "", write(one.included),
        write(one.soft_limit), write(one.hard_limit), write(one.forecast), bar, kind,
    )  # fmt: skip


LIMIT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_limits_page, set_limit_page)
