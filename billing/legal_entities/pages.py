"""Pages of the legal entity that issues invoices, and of the buyers' billing details."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from billing.legal_entities.parties import parse_days, parse_percent
from billing.legal_entities.payers import find_payer, list_payers
from billing.legal_entities.repository import (
    add_tax_rate,
    find_billing_details,
    find_issuer,
    set_billing_details,
    set_legal_entity,
)
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.legal_entities.tax import DOMESTIC, USUAL_TAX_CODE, TaxCategory, TaxSourceKind, VatCheckKind
from billing.permissions import BillingPermission
from billing.sides import Side
from billing.vat_register.port import VAT_STATUS_LABELS
from billing.vat_register.store import find_check
from billing.web.forms import read_typed
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.localizer import translate
from foundation.i18n.negotiation import time_zones
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.lists import is_day
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
S = TypeVar("S", bound=msgspec.Struct)
_ENTITY: Final = "/legal-entity"
_DETAILS: Final = ["/billing-details", "/clients/{client:str}/billing-details"]
_WRITE_ENTITY: Final = {"permission": BillingPermission.WRITE_LEGAL_ENTITY}
_WRITE_DETAILS: Final = {"permission": BillingPermission.WRITE_BILLING_DETAILS}
_CATEGORIES: Final = {
    TaxCategory.STANDARD: N_("Taxed"),
    TaxCategory.ZERO: N_("Zero rate"),
    TaxCategory.EXEMPT: N_("Exempt"),
}
_SOURCES: Final = {
    TaxSourceKind.OWN: N_("The tax rates here"),
    TaxSourceKind.STRIPE: N_("Stripe Tax, in your account at Stripe"),
}
_CHECKS: Final = {
    VatCheckKind.OFF: N_("By their check digits only"),
    VatCheckKind.VIES: N_("In VIES, the register of the EU"),
}
_NUMBERS: Final = ("payment_days", "grace_days", "vat_check_days")


@get(_ENTITY, name="legal_entity", opt={"permission": BillingPermission.READ_PRICE_BOOKS}, include_in_schema=False)
async def show_legal_entity_page(access: OpenAccess) -> Response[Any]:
    return await _entity_page(access, {})


@post(_ENTITY, opt=_WRITE_ENTITY | STEP_UP, include_in_schema=False)
async def set_legal_entity_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _set_entity(access, typed))
    if refusal is not None:
        return await _entity_page(access, typed, refusal)
    return redirect_to(access, _ENTITY, done=translate("Legal entity saved"))


@post(f"{_ENTITY}/tax-rates", opt=_WRITE_ENTITY, include_in_schema=False)
async def add_tax_rate_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _add_rate(access, typed))
    if refusal is not None:
        return await _entity_page(access, typed, refusal)
    return redirect_to(access, _ENTITY, done=translate("Tax rate added"))


@get(_DETAILS, name="billing_details", opt={"permission": BillingPermission.READ_INVOICES}, include_in_schema=False)
async def show_billing_details_page(access: OpenAccess) -> Response[Any]:
    return await _details_page(access, {})


@post(_DETAILS, opt=_WRITE_DETAILS, include_in_schema=False)
async def set_billing_details_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _set_details(access, typed))
    if refusal is not None:
        return await _details_page(access, typed, refusal)
    return redirect_to(access, "/billing-details", done=translate("Billing details saved"))


LEGAL_ENTITY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_legal_entity_page,
    set_legal_entity_page,
    add_tax_rate_page,
    show_billing_details_page,
    set_billing_details_page,
)


async def _set_entity(access: Access, typed: Typed) -> None:
    """Raises InvalidInput."""
    numbers = {name: _number(typed, name) for name in _NUMBERS if name in typed or name != "vat_check_days"}
    days = parse_days(typed.get("dunning_days", ""))
    entity = _filled(LegalEntityInput, {**typed, **numbers, "dunning_days": days})
    await set_legal_entity(access.session, entity, side=Side.RETAIL, now=access.now, new_id=new_id)


async def _add_rate(access: Access, typed: Typed) -> None:
    """Raises InvalidInput, Conflict."""
    day, category = typed.get("valid_from", ""), typed.get("category", "")
    if not is_day(day):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="valid_from")
    if category not in list(DOMESTIC):
        raise InvalidInput(N_("Choose how domestic invoices are taxed."), field="category")
    rate = TaxRateInput(
        percent=parse_percent(typed.get("percent", "")), category=TaxCategory(category),
        reason=typed.get("reason", "")[:40], valid_from=date.fromisoformat(day),
    )  # fmt: skip
    await add_tax_rate(access.session, rate, side=Side.RETAIL, now=access.now)


async def _set_details(access: Access, typed: Typed) -> None:
    """Raises InvalidInput, Forbidden."""
    chosen = typed.get("payer") if access.principal.is_staff and access.client is not None else None
    details = _filled(BillingDetailsInput, {**typed, "payer": chosen})
    payer_id = await find_payer(access, chosen)
    await set_billing_details(access.session, details, payer_id=payer_id, now=access.now)


def _filled(kind: type[S], values: Mapping[str, object]) -> S:
    """The struct with the fields that the form has, within the limits of the API.

    Raises:
        InvalidInput: a text is too long, or a number out of range.
    """
    known = {name: values[name] for name in kind.__struct_fields__ if name in values}
    missing = {name: "" for name in ("name", "street", "postcode", "city", "country") if name not in known}
    for name, value in (known | missing).items():
        try:
            msgspec.convert({**dict.fromkeys(missing, ""), name: value}, kind)
        except msgspec.ValidationError as wrong:
            if f"$.{name}" in str(wrong):
                raise InvalidInput(N_("This is too long, or not within the limits."), field=name) from None
    return msgspec.convert(known | missing, kind)


def _number(typed: Typed, name: str) -> int:
    """Raises InvalidInput."""
    text = typed.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidInput(N_("Enter a number of days, such as 14."), field=name)
    return int(text)


async def _entity_page(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    issuer = await find_issuer(access.session, Side.RETAIL)
    shown: dict[str, Any] = {"payment_days": "14", "grace_days": "3", "dunning_days": "7, 14, 28"} | {
        "number_format": "INV-{year}-{number:5}", "credit_note_format": "CN-{year}-{number:5}",
        "tax_source": TaxSourceKind.OWN.value, "tax_code": USUAL_TAX_CODE,
        "vat_check": VatCheckKind.OFF.value, "vat_check_days": "30",
    }  # fmt: skip
    if issuer is not None:
        shown = msgspec.structs.asdict(issuer.entity)
        shown["dunning_days"] = ", ".join(map(str, issuer.entity.dunning_days))
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "issuer": issuer,
        "typed": shown | dict(typed),
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
        "languages": list(LANGUAGES.items()),
        "zones": [(name, name.replace("_", " ")) for name in sorted(time_zones())],
        "tax_sources": [(one.value, translate(label)) for one, label in _SOURCES.items()],
        "vat_checks": [(one.value, translate(label)) for one, label in _CHECKS.items()],
        "categories": [(code.value, translate(label)) for code, label in _CATEGORIES.items()],
        "category_labels": {code.value: label for code, label in _CATEGORIES.items()},
    }
    return render_page(access, "billing/legal_entity.html", translate("Legal entity"), context, refusal=refusal)


async def _details_page(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    details = await find_billing_details(access.session)
    payers = await list_payers(access)
    shown: dict[str, Any] = {} if details is None else msgspec.structs.asdict(details)
    chosen = details.payer_id if details is not None else None
    shown["payer"] = next((slug for client_id, slug, _ in payers if client_id == chosen), "")
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "root": access.root,
        "typed": shown | dict(typed),
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
        "payers": [("", translate("The client itself")), *((slug, name) for _, slug, name in payers)],
        "has_payer": chosen is not None and not payers,
        "updated_at": None if details is None else details.updated_at,
        "own": access.client is None,
        "check": None if details is None else await find_check(access.session, details.vat_id),
        "check_labels": VAT_STATUS_LABELS,
    }
    return render_page(access, "billing/billing_details.html", translate("Billing details"), context, refusal=refusal)
