"""Pages of vendor bills: the bills with the upload of a file, its preview, the rows, and the mapping."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from billing.periods import month_before
from billing.permissions import BillingPermission
from billing.plans.items import list_items
from billing.price_books.wording import write_amount, write_number, write_plain
from billing.vendor_bills.bills import withdraw_bill
from billing.vendor_bills.lists import VENDOR_BILL_LINES, VENDOR_BILLS, VENDOR_CLIENTS, VENDOR_PRODUCTS, VENDOR_UPLOADS
from billing.vendor_bills.mappings import change_mapping
from billing.vendor_bills.parse import COLUMNS
from billing.vendor_bills.schemas import MappingInput, MappingKind, MappingState, MappingView
from billing.vendor_bills.uploads import create_upload, load_upload, store_upload
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from canonical.money import InexactAmount, parse_decimal
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.file_forms import FILE_BYTES
from foundation.web.list_view import list_view
from foundation.web.lists import ListDefinition, ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import find_client_slug, name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_BILLS: Final = "/vendor-bills"
_UPLOADS: Final = f"{_BILLS}/uploads"
_UPLOAD: Final = f"{_UPLOADS}/{{upload_id:uuid}}"
_LINES: Final = f"{_BILLS}/lines"
_CLIENTS: Final = f"{_BILLS}/clients"
_PRODUCTS: Final = f"{_BILLS}/products"
_LISTS: Final[Mapping[MappingKind, tuple[ListDefinition[MappingView], str]]] = {
    MappingKind.CLIENT: (VENDOR_CLIENTS, _CLIENTS),
    MappingKind.PRODUCT: (VENDOR_PRODUCTS, _PRODUCTS),
}
"""List and address of each kind."""
_READ: Final = {"permission": BillingPermission.READ_VENDOR_BILLS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_VENDOR_BILLS}
_SHOWN: Final = 200
"""Wrong rows on the page; the API returns all."""
STATES: Final = {MappingState.UNMAPPED: "warn", MappingState.MAPPED: "ok", MappingState.IGNORED: "neutral"}
"""Kind of badge."""


@get(_BILLS, name="vendor_bills", opt=_READ, dependencies=VENDOR_BILLS.page_parameters, include_in_schema=False)
async def list_vendor_bills_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _bills(access, listed)


@post(f"{_BILLS}/{{bill_id:uuid}}/withdraw", opt=_WRITE, include_in_schema=False)
async def withdraw_vendor_bill_page(access: OpenAccess, bill_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, withdraw_bill(access.session, bill_id, now=access.now))
    if refusal is not None:
        await access.enter_fleet()
        return await _bills(access, VENDOR_BILLS.parse({}), refusal)
    return redirect_to(access, _BILLS, done=translate("Bill withdrawn"))


@get(_UPLOADS, opt=_READ, dependencies=VENDOR_UPLOADS.page_parameters, include_in_schema=False)
async def list_vendor_uploads_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _uploads(access, listed, {})


@post(f"{_UPLOADS}/new", opt={**_WRITE, "files": True}, include_in_schema=False, request_max_body_size=FILE_BYTES)
async def upload_vendor_bills_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """Store the file, and show the expected results of its rows."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip()[:300] for name in ("month", "vendor")}
    made: list[UUID] = []

    async def act() -> None:
        content = form.get("file")
        if not isinstance(content, bytes) or not content:
            raise InvalidInput(N_("Choose a file."), field="file")
        made.append(await create_upload(access.session, content, **typed, now=access.now, new_id=new_id))

    refusal = await run_action(access.session, act())
    if refusal is not None:
        await access.enter_fleet()
        return await _uploads(access, VENDOR_UPLOADS.parse({}), typed, refusal)
    return redirect_to(access, f"{_UPLOADS}/{made[0]}", done=translate("File kept"))


@get(_UPLOAD, name="vendor_upload", opt=_READ, include_in_schema=False)
async def show_vendor_upload_page(access: OpenAccess, upload_id: FromPath[UUID]) -> Response[Any]:
    found = await load_upload(access.session, upload_id)
    context = {
        "found": found,
        "shown": found.items[:_SHOWN],
        "totals": [write_amount(one.amount, one.currency) for one in found.totals],
    }
    return render_page(access, "billing/vendor_upload.html", translate("File of vendor bills"), context)


@post(f"{_UPLOAD}/store", opt=_WRITE, include_in_schema=False)
async def store_vendor_upload_page(access: OpenAccess, upload_id: FromPath[UUID]) -> Response[Any]:
    await store_upload(access.session, upload_id, now=access.now, new_id=new_id)
    return redirect_to(access, f"{_UPLOADS}/{upload_id}", done=translate("Rows stored"))


@get(_LINES, opt=_READ, dependencies=VENDOR_BILL_LINES.page_parameters, include_in_schema=False)
async def list_vendor_bill_lines_page(access: OpenAccess, meters: KnownMeters, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, VENDOR_BILL_LINES, listed)
    ids = {one.client_id for one in found.items if one.client_id is not None}
    context = {
        "listed": list_view(VENDOR_BILL_LINES, listed, found, _LINES),
        "clients": await name_clients(access.session, ids),
        "meters": meters, "states": STATES, "amount": write_amount, "number": write_number,
    }  # fmt: skip
    title = translate("Rows of vendor bills")
    return render_page(access, "billing/vendor_bill_lines.html", title, context, refusal=listed.refusal)


@get(_CLIENTS, opt=_READ, dependencies=VENDOR_CLIENTS.page_parameters, include_in_schema=False)
async def list_vendor_clients_page(access: OpenAccess, meters: KnownMeters, listed: ListParameters) -> Response[Any]:
    return await _mappings(access, meters, MappingKind.CLIENT, listed)


@get(_PRODUCTS, opt=_READ, dependencies=VENDOR_PRODUCTS.page_parameters, include_in_schema=False)
async def list_vendor_products_page(access: OpenAccess, meters: KnownMeters, listed: ListParameters) -> Response[Any]:
    return await _mappings(access, meters, MappingKind.PRODUCT, listed)


async def _mappings(access: Access, meters: Meters, kind: MappingKind, listed: ListInput) -> Response[Any]:
    definition, address = _LISTS[kind]
    found = await load_page(access, definition, listed)
    ids = {one.client_id for one in found.items if one.client_id is not None}
    context = {
        "listed": list_view(definition, listed, found, address),
        "kind": kind.value,
        "kinds": [
            {"label": translate(each.title), "href": path, "current": one is kind}
            for one, (each, path) in _LISTS.items()
        ],
        "clients": await name_clients(access.session, ids),
        "meters": meters, "states": STATES, "number": write_number,
    }  # fmt: skip
    title = translate(definition.title)
    return render_page(access, "billing/vendor_mappings.html", title, context, refusal=listed.refusal)


@get([f"{_CLIENTS}/map", f"{_PRODUCTS}/map"], opt=_READ, include_in_schema=False)
async def show_vendor_mapping_page(
    request: AnyRequest,
    access: OpenAccess,
    meters: KnownMeters,
    vendor: FromQuery[str] = "",
    key: FromQuery[str] = "",
) -> Response[Any]:
    """The form of one client or product, filled in with its present mapping."""
    kind = _kind(request)
    typed = {"vendor": vendor, "key": key, "factor": "1"}
    refusal = None
    try:
        definition, _ = _LISTS[kind]
        query = definition.query(limit=1, vendor=vendor, key=key)
        for one in (await definition.load(access.session, query, access.now)).items if key else ():
            slug = await find_client_slug(access.session, one.client_id) if one.client_id else ""
            typed |= {"client": slug or "", "meter": one.meter or "", "factor": write_plain(one.factor)}
            typed |= {"label": one.label, "ignore": "on" if one.mapping is MappingState.IGNORED else ""}
    except InvalidInput as wrong:
        refusal = wrong
    return await _mapping(access, meters, kind, typed, refusal)


@post([f"{_CLIENTS}/map", f"{_PRODUCTS}/map"], opt=_WRITE, include_in_schema=False)
async def set_vendor_mapping_page(request: AnyRequest, access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    kind = _kind(request)
    typed = await read_typed(request)

    async def act() -> None:
        await change_mapping(access, meters, _read_mapping(kind, typed))

    refusal = await run_action(access.session, act())
    if refusal is not None:
        await access.enter_fleet()
        return await _mapping(access, meters, kind, typed, refusal)
    return redirect_to(access, f"{_LISTS[kind][1]}?status=unmapped", done=translate("Mapping set"))


def _kind(request: AnyRequest) -> MappingKind:
    return MappingKind.PRODUCT if request.scope["path"].startswith(_PRODUCTS) else MappingKind.CLIENT


def _read_mapping(kind: MappingKind, typed: Mapping[str, str]) -> MappingInput:
    try:
        factor = parse_decimal(typed.get("factor") or "1")
    except InexactAmount:
        factor = Decimal(0)
    return MappingInput(
        kind=kind, vendor=typed.get("vendor", "")[:200], key=typed.get("key", "")[:200],
        client=typed.get("client", "")[:63], meter=typed.get("meter", "")[:100], factor=factor,
        ignore=bool(typed.get("ignore")),
    )  # fmt: skip


async def _bills(access: Access, listed: ListInput, refusal: DomainError | None = None) -> Response[Any]:
    found = await load_page(access, VENDOR_BILLS, listed)
    context = {"listed": list_view(VENDOR_BILLS, listed, found, _BILLS), "amount": write_amount, "refused": refusal}
    title, shown = translate("Vendor bills"), refusal or listed.refusal
    return render_page(access, "billing/vendor_bills.html", title, context, refusal=shown)


async def _uploads(
    access: Access, listed: ListInput, typed: Mapping[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    found = await load_page(access, VENDOR_UPLOADS, listed)
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "listed": list_view(VENDOR_UPLOADS, listed, found, _UPLOADS),
        "typed": {"month": f"{month_before(access.now).start:%Y-%m}", **typed},
        "columns": ", ".join(COLUMNS),
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
    }
    title, shown = translate("Files of vendor bills"), refusal or listed.refusal
    return render_page(access, "billing/vendor_uploads.html", title, context, refusal=shown)


async def _mapping(
    access: Access, meters: Meters, kind: MappingKind, typed: Mapping[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    definition, address = _LISTS[kind]
    context = {
        "typed": typed,
        "kind": kind.value,
        "address": address,
        "list_title": translate(definition.title),
        "meters": [
            ("", "—"),
            *((one.name, translate(one.label)) for one in meters),
            *(await list_items(access.session)).items(),
        ],
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
    }
    return render_page(access, "billing/vendor_mapping.html", translate("Mapping"), context, refusal=refusal)


VENDOR_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_vendor_bills_page,
    export_page(VENDOR_BILLS, _BILLS, opt=_READ),
    withdraw_vendor_bill_page,
    list_vendor_uploads_page,
    export_page(VENDOR_UPLOADS, _UPLOADS, opt=_READ),
    upload_vendor_bills_page,
    show_vendor_upload_page,
    store_vendor_upload_page,
    list_vendor_bill_lines_page,
    export_page(VENDOR_BILL_LINES, _LINES, opt=_READ),
    list_vendor_clients_page,
    export_page(VENDOR_CLIENTS, _CLIENTS, opt=_READ),
    list_vendor_products_page,
    export_page(VENDOR_PRODUCTS, _PRODUCTS, opt=_READ),
    show_vendor_mapping_page,
    set_vendor_mapping_page,
)
