"""Pages of the three-way check: the differences of a month, the rows behind one of them, and the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from billing.periods import Period, month_before, month_of, parse_month
from billing.permissions import BillingPermission
from billing.plans.items import list_items
from billing.price_books.wording import write_amount, write_number
from billing.rating_runs import read_rating
from billing.states import LABELS, InvoiceState
from billing.three_way.check import check_month, load_difference
from billing.three_way.explain import explain
from billing.three_way.files import write_file
from billing.three_way.schemas import DifferenceKind, ExplanationInput, ThreeWayCheck, ThreeWayDifference
from billing.vendor_bills.schemas import MappingState
from billing.web.dependencies import KnownMeters
from foundation.audit.chain import append_audit
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.csv_export import CSV_TYPE, content_disposition
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import find_client_slug, get_client_by_slug, name_clients
from tenants.audit_actions import TenantAction
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/three-way-check"
_READ: Final = {"permission": BillingPermission.READ_VENDOR_BILLS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_VENDOR_BILLS}
_SHOWN: Final = 200
"""Differences on the page; the file and the API have all."""
OPEN, EXPLAINED, ALL = "open", "explained", "all"
KINDS: Final = {
    DifferenceKind.LEAKAGE: "bad", DifferenceKind.GHOST: "warn", DifferenceKind.VENDOR_OVER: "warn",
    DifferenceKind.VENDOR_UNDER: "info",
}  # fmt: skip
"""Kind of badge."""


@dataclass(frozen=True, slots=True)
class ThreeWayDifferenceView:
    """A difference with its texts. Quantities are signed where they are differences."""

    one: ThreeWayDifference
    client: str
    slug: str
    label: str

    @property
    def vendor(self) -> str:
        return _quantity(self.one.vendor_quantity)

    @property
    def used(self) -> str:
        return _quantity(self.one.used_quantity)

    @property
    def billed(self) -> str:
        return _quantity(self.one.billed_quantity)

    @property
    def difference(self) -> str:
        return _signed(self.one.difference)

    @property
    def vendor_difference(self) -> str:
        return "" if self.one.vendor_difference is None else _signed(self.one.vendor_difference)

    @property
    def amount(self) -> str:
        return "" if self.one.amount is None or not self.one.difference else _money(self.one.amount, self.one.currency)

    @property
    def vendor_amount(self) -> str:
        amount = self.one.vendor_amount
        return "" if amount is None else _money(amount, self.one.vendor_currency)

    @property
    def badges(self) -> list[tuple[str, str]]:
        return [(translate(kind.label), KINDS[kind]) for kind in self.one.kinds]


def _quantity(quantity: Decimal | None) -> str:
    return "—" if quantity is None else write_number(quantity)


def _signed(quantity: Decimal) -> str:
    return f"+{write_number(quantity)}" if quantity > 0 else write_number(quantity)


def _money(amount: Decimal, currency: str) -> str:
    return f"+{write_amount(amount, currency)}" if amount > 0 else write_amount(amount, currency)


@get(_PATH, name="three_way_check", opt=_READ, include_in_schema=False)
async def show_check_page(
    access: OpenAccess, meters: KnownMeters, month: FromQuery[str] = "", show: FromQuery[str] = OPEN
) -> Response[Any]:
    period, refusal = month_before(access.now), None
    try:
        period = parse_month(month) if month else period
    except InvalidInput as wrong:
        refusal = wrong
    if show not in {OPEN, EXPLAINED, ALL}:
        show, refusal = OPEN, InvalidInput(N_("Choose open, explained or all differences."), field="show")
    found = await check_month(access.session, f"{period.start:%Y-%m}")
    chosen = [one for one in found.items if show == ALL or one.is_explained == (show == EXPLAINED)]
    names = await name_clients(access.session, {one.client_id for one in chosen[:_SHOWN]})
    items = await list_items(access.session)
    context = {
        **_months(period, access),
        "found": found,
        "next_rating": (await read_rating(access.session)).upcoming(access.now),
        "show": show,
        "tabs": _tabs(found, show),
        "rows": [await _view(access, one, names, _label(one.product, meters, items)) for one in chosen[:_SHOWN]],
        "more": max(len(chosen) - _SHOWN, 0),
        "leakage": _sums(found.totals, "leakage"),
        "ghost": _sums(found.totals, "ghost"),
        "vendor_over": _sums(found.totals, "vendor_over"),
        "unmapped": [one for one in found.left_out if one.mapping is MappingState.UNMAPPED],
        "sum": write_amount,
    }
    return render_page(access, "billing/three_way_check.html", translate("Three-way check"), context, refusal=refusal)


def _months(period: Period, access: Access) -> Mapping[str, object]:
    later = period.end if period.end <= month_of(access.now).start else None
    return {"period": period, "later": later, "earlier": month_before(period.start).start}


def _tabs(found: ThreeWayCheck, show: str) -> list[dict[str, object]]:
    explained = sum(one.is_explained for one in found.items)
    counts = {OPEN: len(found.items) - explained, EXPLAINED: explained, ALL: len(found.items)}
    labels = {OPEN: translate("Open"), EXPLAINED: translate("Explained"), ALL: translate("All")}
    return [
        {
            "label": labels[name], "href": f"{_PATH}?month={found.month}&show={name}", "current": name == show,
            "count": counts[name],
        }
        for name in labels
    ]  # fmt: skip


def _sums(totals: Any, name: str) -> str:
    """The sums of each currency; empty without any."""
    found: list[tuple[Decimal, str]] = [(getattr(one, name), one.currency) for one in totals]
    return ", ".join(write_amount(abs(amount), currency) for amount, currency in found if amount)


async def _view(
    access: Access, one: ThreeWayDifference, names: Mapping[UUID, str], label: str
) -> ThreeWayDifferenceView:
    slug = await find_client_slug(access.session, one.client_id) or ""
    return ThreeWayDifferenceView(one, names.get(one.client_id, str(one.client_id)), slug, label)


def _label(product: str, meters: Meters, items: Mapping[str, str]) -> str:
    return meters.label_of(product) if meters.get(product) is not None else items.get(product, product)


@get(f"{_PATH}.csv", opt=_READ, include_in_schema=False)
async def download_check(access: OpenAccess, month: FromQuery[str] = "") -> Response[bytes]:
    found = await check_month(access.session, month or f"{month_before(access.now).start:%Y-%m}")
    names = await name_clients(access.session, {one.client_id for one in found.items})
    await access.enter_home()  # a fleet scope only reads; the export is recorded in the member's own account
    append_audit(
        access.session, action=TenantAction.LIST_EXPORTED, subject="list:three-way-check",
        data={"format": "csv", "filter": {"month": found.month}}, at=access.now,
    )  # fmt: skip
    name = f"{access.account.name} three-way-check {found.month}.csv"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(write_file(found, names), media_type=CSV_TYPE, headers=headers)


@get(f"{_PATH}/difference", name="three_way_difference", opt=_READ, include_in_schema=False)
async def show_difference_page(
    access: OpenAccess,
    meters: KnownMeters,
    month: FromQuery[str] = "",
    client: FromQuery[str] = "",
    product: FromQuery[str] = "",
) -> Response[Any]:
    return await _difference(access, meters, {"month": month, "client": client, "product": product})


@post(f"{_PATH}/difference", opt=_WRITE, include_in_schema=False)
async def explain_difference_page(request: AnyRequest, access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    form = await request.form()
    typed = {name: str(form.get(name, "")) for name in ("month", "client", "product", "reason")}
    refusal = await run_action(access.session, explain(access, ExplanationInput(**typed), new_id=new_id))
    if refusal is not None:
        await access.enter_fleet()
        return await _difference(access, meters, typed, refusal)
    return redirect_to(access, f"{_PATH}?month={typed['month']}", done=translate("Difference explained"))


async def _difference(
    access: Access, meters: Meters, typed: Mapping[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    """Raises NotFound: no such client or month."""
    client = await get_client_by_slug(access.session, typed["client"])
    try:
        found = await load_difference(access.session, typed["month"], client.tenant_id, typed["product"])
    except InvalidInput as wrong:
        raise NotFound from wrong
    one, label = found.difference, _label(found.product, meters, await list_items(access.session))
    context = {
        "found": found,
        "client": client,
        "label": label,
        "is_meter": meters.get(found.product) is not None,
        "view": one and ThreeWayDifferenceView(one, client.name, client.slug, label),
        "typed": typed,
        "errors": {} if refusal is None else {str(refusal.extra.get("field", "")): refusal.detail},
        "states": {state.value: label for state, label in LABELS.items()},
        "number": write_number, "quantity": _quantity, "sum": write_amount, "open_state": InvoiceState.DRAFT,
    }  # fmt: skip
    return render_page(access, "billing/three_way_difference.html", translate("Difference"), context, refusal=refusal)


CHECK_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_check_page, download_check, show_difference_page, explain_difference_page,
)  # fmt: skip
