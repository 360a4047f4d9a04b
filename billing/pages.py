"""Invoice pages: a client's own, and the MSP's with both sides and the margin."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec.structs import replace

from billing.documents.store import list_documents
from billing.invoices.charged_again import load_charged_again
from billing.invoices.close import close_invoice
from billing.invoices.forms import acts_of, settle
from billing.invoices.line_cells import list_line_cells
from billing.invoices.lists import INVOICES, LINE_EVENTS
from billing.invoices.month_close import list_open_invoices
from billing.invoices.repository import (
    list_margins,
    load_invoice,
    load_line,
    load_sibling_invoice,
)
from billing.invoices.steps import step_label
from billing.invoices.stuck import list_stuck_usage
from billing.payments.port import FAILURES
from billing.payments.states import CLOSED_DISPUTES, DISPUTE_LABELS, DISPUTE_REASONS, REMOTE_LABELS
from billing.periods import Period, month_before, month_of, parse_month
from billing.permissions import BillingPermission
from billing.rating_runs import read_rating
from billing.reconciliation.queries import reconcile
from billing.schemas import Line
from billing.states import OPEN
from billing.tax_service.calculations import has_tax_service
from billing.tax_service.rules import REASON_LABELS
from billing.views import CellView, InvoiceView, MarginView, line_view, meter_rows
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from foundation.clock import day_in
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.usage.meters import Meters, UsageDescription
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import find_client_slug, name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_INVOICES: Final = ["/invoices", "/clients/{client:str}/invoices"]
_INVOICE: Final = [f"{path}/{{invoice_id:uuid}}" for path in _INVOICES]
_OWN: Final = "/clients/{client:str}/invoices/{invoice_id:uuid}"
_LINE: Final = [f"{path}/lines/{{line_id:uuid}}" for path in _INVOICE]
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}
_PAGE: Final = 50


@get(_INVOICES, name="invoices", opt=_READ, dependencies=INVOICES.page_parameters, include_in_schema=False)
async def list_invoices_page(access: OpenAccess, listed: ListParameters) -> Template:
    found = await load_page(access, INVOICES, listed)
    names = await _names(access, {invoice.client_id for invoice in found.items})
    page = found.with_items([InvoiceView(invoice, names.get(invoice.client_id, "")) for invoice in found.items])
    context = {
        # A client sees its retail side only; the other side answers 404.
        "listed": list_view(INVOICES, listed, page, _root(access), hidden=() if access.scope.fleet else ("side",)),
        "rating_times": await read_rating(access.session),
    }
    return _render(access, "invoices.html", translate("Invoices"), context, refusal=listed.refusal)


@get(_INVOICE, name="invoice", opt=_READ, include_in_schema=False)
async def show_invoice_page(access: OpenAccess, meters: KnownMeters, invoice_id: FromPath[UUID]) -> Template:
    """Both sides and the margin for the MSP's staff; row-level security limits client members to their own side."""
    return await _invoice(access, meters, invoice_id)


@post(
    "/clients/{client:str}/invoices/{invoice_id:uuid}/close",
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    include_in_schema=False,
)
async def close_invoice_page(access: OpenAccess, meters: KnownMeters, invoice_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, close_invoice(access.session, invoice_id, now=access.now))
    if refusal is not None:
        return await _invoice(access, meters, invoice_id, refusal)
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("Invoice closed"))


@post(
    [f"{_OWN}/{part}" for part in ("acts", "payments", "credit-notes", "from-balance", "to-balance")],
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    include_in_schema=False,
)
async def settle_invoice_page(
    request: Request[Any, Any, Any], access: OpenAccess, meters: KnownMeters, invoice_id: FromPath[UUID]
) -> Response[Any]:
    """Send, suspend, write off, void, pay or credit an invoice."""
    typed = await read_typed(request)
    kind = str(request.scope["path"]).rpartition("/")[2]
    refusal = await run_action(access.session, settle(access, invoice_id, kind, typed))
    if refusal is not None:
        return await _invoice(access, meters, invoice_id, refusal)
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("Saved"))


async def _invoice(access: Access, meters: Meters, invoice_id: UUID, refusal: DomainError | None = None) -> Template:
    detail = await load_invoice(access.session, invoice_id)
    names = await _names(access, {detail.invoice.client_id} | {line.client_id for line in detail.lines})
    view = InvoiceView(detail.invoice, names.get(detail.invoice.client_id, ""))
    zone = "UTC" if detail.document is None else detail.document.time_zone
    context = {
        "invoice": view,
        "lines": [line_view(line, detail.invoice, names.get(line.client_id, ""), meters) for line in detail.lines],
        "charged_again": [
            (line_view(one.line, detail.invoice, "", meters).name, one)
            for one in await load_charged_again(access.session, detail)
        ],
        "by_client": view.is_whole,
        "close_href": await _close_href(access, view),
        "detail": detail,
        "documents": await list_documents(access.session, invoice_id) if detail.document else [],
        "own_root": await _own_root(access, view),
        "acts": acts_of(detail.invoice, detail.from_balance_minor)
        if access.may(BillingPermission.ISSUE_INVOICE)
        else [],
        "step_label": step_label,
        "remote_labels": REMOTE_LABELS,
        "dispute_labels": DISPUTE_LABELS,
        "dispute_reasons": DISPUTE_REASONS,
        "closed_disputes": CLOSED_DISPUTES,
        "failures": FAILURES,
        "tax_reasons": REASON_LABELS,
        "uses_tax_service": view.is_open and await has_tax_service(access.session),
        "today": day_in(zone, access.now),
        "issuing_zone": zone,
        "rating_times": await read_rating(access.session, [] if view.is_whole else [detail.invoice.client_id]),
        **await _both_sides(access, meters, view),
    }
    return _render(access, "invoice.html", view.title, context, refusal=refusal)


@get(_LINE, name="invoice_line", opt=_READ, dependencies=LINE_EVENTS.page_parameters, include_in_schema=False)
async def show_invoice_line_page(
    access: OpenAccess,
    meters: KnownMeters,
    invoice_id: FromPath[UUID],
    line_id: FromPath[UUID],
    listed: ListParameters,
) -> Template:
    """A line with its usage events."""
    invoice = (await load_invoice(access.session, invoice_id)).invoice
    line = (await load_line(access.session, line_id, invoice_id=invoice_id)).line
    short = replace(listed, query=listed.query.with_limit(_PAGE))
    found = await load_page(access, LINE_EVENTS, short, invoice_id=invoice_id, line_id=line_id)
    names = await _names(access, {invoice.client_id, line.client_id})
    here = f"{_root(access)}/{invoice_id}/lines/{line_id}"
    context = {
        "invoice": InvoiceView(invoice, names.get(invoice.client_id, "")),
        "line": line_view(line, invoice, names.get(line.client_id, ""), meters),
        "listed": list_view(LINE_EVENTS, short, found, here, export=f"{here}/events"),
        "described": await _describe(access, meters, line, [event.id for event in found.items]),
        "cells": await _cells(access, meters, line, invoice.currency, here),
        "cell": short.query["cell"],
        "here": here,
        "clients": await _clients(access, line.client_id),
    }
    title = line_view(line, invoice, "", meters).name
    return _render(access, "line.html", title, context, refusal=listed.refusal)


@get(
    "/invoices/reconciliation",
    name="reconciliation",
    opt={"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True},
    include_in_schema=False,
)
async def show_reconciliation_page(access: OpenAccess, meters: KnownMeters, month: FromQuery[str] = "") -> Template:
    """Reconciliation of a month's usage events, and usage without a price."""
    period, refusal = _month(month, access.now)
    result = await reconcile(access.session, period=period)
    names = await _names(access, {meter.client_id for meter in result.meters})
    context = {
        "period": period,
        "result": result,
        "rating_times": await read_rating(access.session),
        "rows": meter_rows(result, names, meters, access.now),
        "earlier": month_before(period.start).start,
        "later": period.end if period.end <= access.now else None,
    }
    return _render(access, "reconciliation.html", translate("Reconciliation"), context, refusal=refusal)


@get(
    "/invoices/month-close",
    name="month_close",
    opt={"permission": BillingPermission.ISSUE_INVOICE, "fleet": True},
    include_in_schema=False,
)
async def show_month_close_page(access: OpenAccess, meters: KnownMeters) -> Template:
    """Ended months that are not finalised, what each still needs, and usage that is not billed."""
    found = await list_open_invoices(access.session, access.now)
    stuck = await list_stuck_usage(access.session, access.now)
    clients = {one.client_id for one in found} | {one.client_id for one in stuck}
    names = await _names(access, clients)
    slugs = {client_id: await find_client_slug(access.session, client_id) for client_id in clients}
    context = {
        "rows": [(one, names.get(one.client_id, ""), slugs[one.client_id]) for one in found],
        "stuck": [
            (one, names.get(one.client_id, ""), slugs[one.client_id], meters.label_of(one.meter)) for one in stuck
        ],
        "rating_times": await read_rating(access.session),
    }
    return _render(access, "month_close.html", translate("Month close"), context)


INVOICE_EXPORT: Final = export_page(INVOICES, _INVOICES, opt=_READ)
EVENT_EXPORT: Final = export_page(LINE_EVENTS, [f"{path}/events" for path in _LINE], opt=_READ)
PAGES: Final[tuple[Any, ...]] = (
    list_invoices_page,
    INVOICE_EXPORT,
    EVENT_EXPORT,
    show_reconciliation_page,
    show_invoice_page,
    show_invoice_line_page,
    close_invoice_page,
    settle_invoice_page,
    show_month_close_page,
)


def _render(
    access: Access, template: str, title: str, context: Mapping[str, object], *, refusal: DomainError | None = None
) -> Template:
    shared = {
        "root": _root(access),
        "fleet": access.scope.fleet,
        "may_reconcile": access.scope.fleet and access.may(BillingPermission.READ_PRICE_BOOKS),
    }
    return render_page(access, f"billing/{template}", title, shared | dict(context), refusal=refusal)


def _root(access: Access) -> str:
    return f"{access.root}/invoices"


async def _close_href(access: Access, view: InvoiceView) -> str:
    """Address for closing this draft; empty when the reader may not close it, or not yet."""
    invoice = view.invoice
    over = invoice.state in OPEN and invoice.period_end <= access.now
    if view.is_wholesale or not over or not access.may(BillingPermission.ISSUE_INVOICE):
        return ""
    slug = await find_client_slug(access.session, invoice.client_id)
    return f"/clients/{slug}/invoices/{invoice.id}/close" if slug else ""


async def _own_root(access: Access, view: InvoiceView) -> str:
    """Address of the invoice in its client's pages, where it is changed; empty for a wholesale one."""
    slug = None if view.is_wholesale else await find_client_slug(access.session, view.invoice.client_id)
    return f"/clients/{slug}/invoices/{view.invoice.id}" if slug else ""


async def _names(access: Access, ids: Collection[UUID]) -> Mapping[UUID, str]:
    return {**await name_clients(access.session, ids), access.scope.msp_id: access.brand.of_msp.name}


async def _both_sides(access: Access, meters: Meters, view: InvoiceView) -> dict[str, object]:
    """Both sides of an invoice; empty outside a fleet scope."""
    if not access.scope.fleet:
        return {"margins": [], "sibling": None}
    invoice = view.invoice
    client_id = None if view.is_whole else invoice.client_id
    margins = await list_margins(access.session, period_start=invoice.period_start, client_id=client_id)
    names = await _names(access, {margin.client_id for margin in margins})
    sibling = None if view.is_whole else await load_sibling_invoice(access.session, invoice)
    return {
        "margins": [
            MarginView(one, names.get(one.client_id, ""), meters.write_quantity(one.meter, one.quantity))
            for one in margins
        ],
        "sibling": sibling and InvoiceView(sibling, view.buyer),
    }


async def _cells(access: Access, meters: Meters, line: Line, currency: str, here: str) -> Sequence[CellView]:
    return [
        CellView(one, meters.write_quantity(line.meter, one.quantity), currency, f"{here}?cell={one.cell}#events")
        for one in await list_line_cells(access.session, line)
    ]


async def _describe(
    access: Access, meters: Meters, line: Line, events: Sequence[UUID]
) -> Mapping[UUID, UsageDescription]:
    meter = meters.get(line.meter)
    if meter is None or not access.may(meter.permission):
        return {}
    return await meter.describe(access.session, line.client_id, events)


async def _clients(access: Access, client_id: UUID) -> str:
    """Base address of this client's pages."""
    slug = access.client.slug if access.client else await find_client_slug(access.session, client_id)
    return f"/clients/{slug}"


def _month(text: str, now: datetime) -> tuple[Period, InvalidInput | None]:
    """The requested month, or the current one with the reason if the request is invalid."""
    try:
        return parse_month(text) if text else month_of(now), None
    except InvalidInput as refusal:
        return month_of(now), refusal
