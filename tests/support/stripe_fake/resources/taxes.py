"""Stripe Tax: calculations by the country of the customer, and transactions."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.store import Call, Object, handles, page

HOME: Final = "DE"
"""Country of the account's head office."""
EU_RATES: Final = {"AT": "20", "DE": "19", "FR": "20", "NL": "21"}
_DAYS: Final = 90 * 24 * 3600
_PLACES: Final = {"AT": "Austria", "DE": "Germany", "FR": "France", "NL": "Netherlands", "US": "United States"}
_CITY: Final = (
    ("California", "state", "6.0"),
    ("Los Angeles County", "county", "0.25"),
    ("Los Angeles", "city", "2.25"),
)


@handles("tax.calculation.create")
def calculate(call: Call) -> Object:
    customer = call.params.get("customer_details") or {}
    address = customer.get("address") or {}
    country = str(address.get("country", ""))
    if country == "US" and not str(address.get("postal_code", "")).isdigit():
        raise invalid("customer_tax_location_invalid", "We could not determine the customer's tax location.")
    ids = [{"type": one["type"], "value": one["value"]} for one in customer.get("tax_ids", [])]
    lines = [_line(call, one, _taxes(call, country, ids)) for one in call.params["line_items"]]
    tax = sum(one["amount_tax"] for one in lines)
    made = call.make(
        "tax.calculation", currency=call.params["currency"], amount_total=tax + sum(one["amount"] for one in lines),
        tax_amount_exclusive=tax, tax_date=call.now, expires_at=call.now + _DAYS, tax_breakdown=[],
        customer_details={
            "address": {"line1": None, "line2": None, "city": None, "state": None, "postal_code": None, **address},
            "address_source": customer.get("address_source"), "ip_address": None, "tax_ids": ids,
            "taxability_override": "none",
        },
    )  # fmt: skip
    made["line_items"] = page(lines, f"/v1/tax/calculations/{made['id']}/line_items")
    return made


@handles("tax.transaction.create_from_calculation")
def record(call: Call) -> Object:
    found = call.need(call.params["calculation"], "tax.calculation", "calculation")
    if found["expires_at"] < call.now:
        raise invalid("tax_calculation_expired", "The tax calculation has expired.", "calculation")
    lines = [
        _transaction_line(call, one["amount"], one["amount_tax"], one["reference"], one["tax_code"])
        for one in found["line_items"]["data"]
    ]  # fmt: skip
    return _transaction(call, "transaction", found["currency"], found["customer_details"], found["tax_date"], lines)


@handles("tax.transaction.create_reversal")
def reverse(call: Call) -> Object:
    found = call.need(call.params["original_transaction"], "tax.transaction", "original_transaction")
    if found["type"] == "reversal":
        raise invalid("tax_transaction_invalid", "A reversal cannot be reversed.", "original_transaction")
    (line,) = found["line_items"]["data"]
    gross, left = line["amount"] + line["amount_tax"], found["_left"]
    wanted = -call.params.get("flat_amount", 0) if call.params["mode"] == "partial" else left
    if call.params["mode"] == "full" and left != gross:
        raise invalid("tax_transaction_reversed", "This transaction is partly reversed already.", "mode")
    if not 0 < wanted <= left:
        raise invalid("amount_too_large", "The reversal is larger than what is left.", "flat_amount")
    found["_left"] -= wanted
    tax = int((Decimal(line["amount_tax"]) * wanted / gross).quantize(Decimal(1), ROUND_HALF_UP))
    lines = [_transaction_line(call, tax - wanted, -tax, line["reference"], line["tax_code"], kind="reversal", of=line)]
    made = _transaction(call, "reversal", found["currency"], found["customer_details"], found["tax_date"], lines)
    made["reversal"] = {"original_transaction": found["id"]}
    return made


def _transaction(  # noqa: PLR0917 - the parts of one object
    call: Call, kind: str, currency: str, customer: Object, tax_date: int, lines: list[Object]
) -> Object:
    reference = call.params["reference"]
    if any(one["reference"] == reference for one in call.account.of_kind("tax.transaction")):
        raise invalid("tax_transaction_reference_exists", f"This reference is used already: {reference}", "reference")
    made = call.make(
        "tax.transaction", type=kind, currency=currency, reference=reference, customer_details=customer,
        tax_date=tax_date, posted_at=call.params.get("posted_at", call.now),
        metadata=call.params.get("metadata") or {}, _left=sum(one["amount"] + one["amount_tax"] for one in lines),
    )  # fmt: skip
    made["line_items"] = page(lines, f"/v1/tax/transactions/{made['id']}/line_items")
    return made


def _transaction_line(
    call: Call, amount: int, tax: int, reference: str, code: str, *, kind: str = "transaction", of: Object | None = None
) -> Object:
    return call.make(
        "tax.transaction_line_item", amount=amount, amount_tax=tax, reference=reference, tax_code=code, quantity=1,
        tax_behavior="exclusive", type=kind, reversal=None if of is None else {"original_line_item": of["id"]},
    )  # fmt: skip


def _taxes(call: Call, country: str, ids: list[Object]) -> list[tuple[str, str, str | None, str]]:
    """(place, level, rate, reason) of each jurisdiction."""
    registered = call.world.tax_registrations
    place = _PLACES.get(country, country)
    if country not in _PLACES and country not in registered:
        return [(place, "country", None, "not_supported" if country == "XX" else "not_collecting")]
    if country in EU_RATES and country != HOME and any(one["type"] == "eu_vat" for one in ids):
        return [(place, "country", None, "reverse_charge")]
    if country not in registered:
        return [(place, "country", None, "not_collecting")]
    if country == "US":
        return [(name, level, rate, "standard_rated") for name, level, rate in _CITY]
    return [(place, "country", EU_RATES[country], "standard_rated")]


def _line(call: Call, asked: Object, taxes: list[tuple[str, str, str | None, str]]) -> Object:
    amount, breakdown = asked["amount"], []
    country = str(call.params["customer_details"]["address"]["country"])
    for name, level, rate, reason in taxes:
        tax = int((amount * Decimal(rate or 0) / 100).quantize(Decimal(1), ROUND_HALF_UP))
        details: dict[str, Any] | None = None
        if rate is not None:
            kind = "sales_tax" if country == "US" else "vat"
            details = {
                "display_name": "Sales tax" if country == "US" else "VAT", "percentage_decimal": rate, "tax_type": kind,
            }  # fmt: skip
        breakdown.append(
            {
                "amount": tax, "taxable_amount": amount if rate is not None else 0, "sourcing": "destination",
                "taxability_reason": reason, "tax_rate_details": details,
                "jurisdiction": {
                    "country": country, "display_name": name, "level": level, "state": "CA" if country == "US" else None
                },
            }
        )  # fmt: skip
    return call.make(
        "tax.calculation_line_item", amount=amount, amount_tax=sum(one["amount"] for one in breakdown), quantity=1,
        reference=asked.get("reference", "L1"), tax_behavior=asked.get("tax_behavior", "exclusive"),
        tax_code=asked.get("tax_code", "txcd_10000000"), tax_breakdown=breakdown,
    )  # fmt: skip
