"""Pages of usage: the breakdown of a month, the reported events, and the meters."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, URLEncodedBody

from billing.periods import Period, month_before, month_of, parse_month
from billing.permissions import BillingPermission
from billing.rating_runs import read_rating
from billing.usage.charts import draw_days
from billing.usage.counting import ADDITIVE, MeterAggregation
from billing.usage.forms import METER_FIELDS, read_meter
from billing.usage.lists import REPORTED_USAGE
from billing.usage.meters import add_declared, create_meter, list_meters, retire_meter
from billing.usage.queries import CLIENT, DAY, SOURCE, find_used_meter, read_grouping, read_usage
from billing.usage.report import write_exactly
from billing.usage.schemas import UsageGroup, UsageSummary
from billing.web.dependencies import KnownMeters, ProductMeters
from billing.web.forms import read_typed
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import current_localizer, translate
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/usage", "/clients/{client:str}/usage"]
_EVENTS: Final = [f"{path}/events" for path in _ROOTS]
_METERS: Final = "/meters"
_READ: Final = {"permission": BillingPermission.READ_USAGE, "fleet": True}
_METER: Final = {"permission": BillingPermission.READ_USAGE}
_DECLARE: Final = {"permission": BillingPermission.WRITE_METERS}


def provide_meters(product: Meters) -> dict[str, Any]:
    """The application's dependencies `product_meters` and `meters`."""

    async def meters(access: NamedDependency[Access]) -> Meters:
        return await add_declared(access.session, product)

    return {"product_meters": Provide(lambda: product, sync_to_thread=False), "meters": Provide(meters)}


class RetireMeterForm(msgspec.Struct):
    code: str


class GroupView(msgspec.Struct, frozen=True):
    """A row of the breakdown. `share` is its part of the month's quantity; None where that makes no sense."""

    label: str
    events: int
    quantity: str
    before: str
    share: float | None


@get(_ROOTS, name="usage", opt=_READ, include_in_schema=False)
async def show_usage_page(
    access: OpenAccess,
    meters: KnownMeters,
    meter: FromQuery[str] = "",
    month: FromQuery[str] = "",
    by: FromQuery[str] = "",
) -> Response[Any]:
    """A month's usage of one meter by day, client, source or dimension."""
    usual = CLIENT if access.scope.fleet else DAY
    period, chosen, grouping, refusal = month_of(access.now), "", usual, None
    try:
        period = parse_month(month) if month else period
        chosen = meters.require(meter).name if meter else ""
        grouping = read_grouping(by or usual, is_fleet=access.scope.fleet)
    except InvalidInput as wrong:
        refusal = wrong
    chosen = chosen or await find_used_meter(access.session, [one.name for one in meters], period)
    found = await read_usage(access.session, meter=chosen, period=period, by=grouping, now=access.now)
    context = await _usage_context(access, meters, found, period)
    return render_page(access, "billing/usage.html", translate("Usage"), context, refusal=refusal)


async def _usage_context(access: Access, meters: Meters, found: UsageSummary, period: Period) -> dict[str, object]:
    def write(quantity: Decimal) -> str:
        return meters.write_quantity(found.meter, quantity)

    groupings = [(DAY, translate("Day")), (SOURCE, translate("Source"))]
    if access.scope.fleet:
        groupings.insert(0, (CLIENT, translate("Client")))
    groupings += [(f"dimension:{name}", name) for name in found.dimensions]
    later = period.end if period.end <= access.now else None
    return {
        "found": found,
        "meters": [(one.name, translate(one.label)) for one in meters],
        "label": meters.label_of(found.meter),
        "groupings": groupings,
        "grouping": dict(groupings).get(found.by, found.by.removeprefix("dimension:")),
        "quantity": write(found.quantity), "before": write(found.before), "forecast": write(_rounded(found.forecast)),
        "is_current": later is None,
        "aggregation": found.aggregation.label if found.aggregation is not MeterAggregation.SUM else "",
        "trend": _trend(found),
        "chart": draw_days(found.days, translate("{meter} by day, UTC", meter=meters.label_of(found.meter))),
        "rows": await _rows(access, found, write),
        "period": period, "later": later, "earlier": month_before(period.start).start,
        "rating_times": await read_rating(access.session),
        "root": access.root,
    }  # fmt: skip


def _rounded(quantity: Decimal) -> Decimal:
    """The quantity rounded to hundredths, without trailing zeros."""
    return Decimal(write_exactly(round(quantity, 2)))


def _trend(found: UsageSummary) -> float | None:
    """Change of the forecast against the month before; None without usage then."""
    return float((found.forecast - found.before) / found.before) if found.before else None


async def _rows(access: Access, found: UsageSummary, write: Callable[[Decimal], str]) -> list[GroupView]:
    names: dict[str, str] = {}
    if found.by == CLIENT:
        named = await name_clients(access.session, {UUID(one.key) for one in found.groups})
        names = {str(tenant_id): name for tenant_id, name in named.items()}
    return [
        GroupView(
            label=_label(found.by, one.key, names),
            events=one.events,
            quantity=write(one.quantity),
            before="" if found.by == DAY else write(one.before),
            share=_share(one, found),
        )
        for one in (found.days if found.by == DAY else found.groups)
    ]


def _share(one: UsageGroup, found: UsageSummary) -> float | None:
    is_part = found.aggregation in ADDITIVE and 0 <= one.quantity <= found.quantity != 0
    return float(one.quantity / found.quantity) if is_part else None


def _label(by: str, key: str, names: Mapping[str, str]) -> str:
    if by == DAY:
        return current_localizer().day(date.fromisoformat(key))
    if by == CLIENT:
        return names.get(key, key)
    if not key:
        return translate("Counted by the product") if by == SOURCE else translate("without a value")
    return key


@get(_EVENTS, opt=_READ, dependencies=REPORTED_USAGE.page_parameters, include_in_schema=False)
async def list_reported_usage_page(access: OpenAccess, meters: KnownMeters, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, REPORTED_USAGE, listed)
    context = {
        "listed": list_view(REPORTED_USAGE, listed, found, f"{access.root}/usage/events"),
        "clients": await name_clients(access.session, {one.client_id for one in found.items}),
        "fleet": access.scope.fleet,
        "meters": meters,
        "root": access.root,
    }
    return render_page(
        access, "billing/reported_usage.html", translate("Reported usage"), context, refusal=listed.refusal
    )


@get(_METERS, name="meters", opt=_METER, include_in_schema=False)
async def list_meters_page(access: OpenAccess, product_meters: ProductMeters) -> Response[Any]:
    return await _meters(access, product_meters)


@post(_METERS, opt=_DECLARE, include_in_schema=False)
async def create_meter_page(request: AnyRequest, access: OpenAccess, product_meters: ProductMeters) -> Response[Any]:
    typed = await read_typed(request)
    try:
        new = read_meter(typed)
    except InvalidInput as wrong:
        return await _meters(access, product_meters, wrong, typed)
    creating = create_meter(access.session, product_meters, new, now=access.now)
    refusal = await run_action(access.session, creating)
    if refusal is not None:
        return await _meters(access, product_meters, refusal, typed)
    return redirect_to(access, _METERS, done=translate("Meter declared"))


@post(f"{_METERS}/retire", opt=_DECLARE, include_in_schema=False)
async def retire_meter_page(
    access: OpenAccess, product_meters: ProductMeters, data: URLEncodedBody[RetireMeterForm]
) -> Response[Any]:
    refusal = await run_action(access.session, retire_meter(access.session, data.code, now=access.now))
    if refusal is not None:
        return await _meters(access, product_meters, refusal)
    return redirect_to(access, _METERS, done=translate("Meter retired"))


async def _meters(
    access: Access, product: Meters, refusal: DomainError | None = None, typed: Mapping[str, str] | None = None
) -> Response[Any]:
    context = {
        "meters": await list_meters(access.session, product),
        "typed": typed or {},
        "shown": typed is not None,
        "fields": METER_FIELDS,
        "aggregations": [(one.value, translate(one.label)) for one in MeterAggregation],
        "errors": {} if refusal is None else {str(refusal.extra.get("field", "")): refusal.detail},
    }
    return render_page(access, "billing/meters.html", translate("Meters"), context, refusal=refusal)


USAGE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_usage_page,
    list_reported_usage_page,
    export_page(REPORTED_USAGE, _EVENTS, opt=_READ),
    list_meters_page,
    create_meter_page,
    retire_meter_page,
)
