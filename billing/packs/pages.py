"""Page of a client's packs of units."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.packs.forms import read_pack
from billing.packs.ledger import load_packs
from billing.packs.sell import sell_pack, withdraw_pack
from billing.packs.states import PACK_ENTRY_LABELS
from billing.permissions import BillingPermission
from billing.sides import as_rater
from billing.subscriptions.repository import find_retail_book
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from branding.formats import format_month
from canonical.money import Money
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_PACKS: Final = "/clients/{client:str}/unit-packs"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}


@get(_PACKS, name="unit_packs", opt=_READ, include_in_schema=False)
async def show_packs_page(access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    return await _page(access, meters, {})


@post(_PACKS, opt=_WRITE, include_in_schema=False)
async def sell_pack_page(request: AnyRequest, access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    typed = await read_typed(request)
    currency = await _currency(access)

    async def sell() -> None:
        await sell_pack(access.session, meters, read_pack(typed, currency), now=access.now, new_id=new_id)

    refusal = await run_action(access.session, sell())
    if refusal is not None:
        return await _page(access, meters, typed, refusal)
    return redirect_to(access, "/unit-packs", done=translate("Pack sold"))


@post(f"{_PACKS}/{{pack_id:uuid}}/withdraw", opt=_WRITE, include_in_schema=False)
async def withdraw_pack_page(
    request: AnyRequest, access: OpenAccess, meters: KnownMeters, pack_id: FromPath[UUID]
) -> Response[Any]:
    reason = (await read_typed(request)).get("reason", "")
    ending = withdraw_pack(access.session, pack_id, reason, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, ending)
    if refusal is not None:
        return await _page(access, meters, {}, refusal)
    return redirect_to(access, "/unit-packs", done=translate("Pack withdrawn"))


PACK_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_packs_page, sell_pack_page, withdraw_pack_page)


async def _currency(access: Access) -> str:
    async with as_rater(access.session):
        book = await find_retail_book(access.session, access.scope.tenant_id)
    return "EUR" if book is None else book.currency


async def _page(access: Access, meters: Meters, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    writes = access.may(BillingPermission.ISSUE_INVOICE)
    choices = sorted(((one.name, meters.label_of(one.name)) for one in meters), key=lambda one: one[1].casefold())
    context = {
        "root": access.root,
        "packs": await load_packs(access.session),
        "labels": PACK_ENTRY_LABELS,
        "money": Money,
        "month": _month,
        "meters": meters,
        "choices": choices,
        "writes": writes,
        "currency": await _currency(access) if writes else "",
        "this_month": f"{access.now:%Y-%m}",
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not (field and typed) else None,
    }
    return render_page(access, "billing/unit_packs.html", translate("Prepaid units"), context, refusal=refusal)


def _month(day: date) -> str:
    return format_month(datetime(day.year, day.month, day.day, tzinfo=UTC))
