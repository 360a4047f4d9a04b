"""Prices and tax rates."""

from decimal import Decimal

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.store import Call, Object, handles

_RECURRING = {"interval_count": 1, "meter": None, "usage_type": "licensed", "trial_period_days": None}


@handles("product.create")
def create_product(call: Call) -> Object:
    params = {
        name: call.params[name]
        for name in ("id", "name", "description", "metadata", "unit_label")
        if name in call.params
    }
    made = call.make("product", **params, active=True, type="service", updated=call.now)
    call.emit("product.created", made)
    return made


@handles("price.create")
def create_price(call: Call) -> Object:
    params = dict(call.params)
    product = params.get("product")
    if product is None and "product_data" in params:
        product = call.make("product", name=params["product_data"]["name"], active=True, type="service")["id"]
    call.need(product or "", "product", "product")
    key = params.get("lookup_key")
    for other in call.account.of_kind("price"):
        if key and other["lookup_key"] == key:
            if not params.get("transfer_lookup_key"):
                raise invalid("resource_already_exists", f"A price already uses that lookup key: {key}", "lookup_key")
            other["lookup_key"] = None
    recurring = params.get("recurring")
    if recurring and recurring.get("usage_type") == "metered" and not recurring.get("meter"):
        raise invalid("parameter_missing", "A metered price must name a meter.", "recurring[meter]")
    kept = (
        "currency",
        "unit_amount",
        "unit_amount_decimal",
        "metadata",
        "nickname",
        "lookup_key",
        "tiers_mode",
        "tax_behavior",
    )
    made = call.make(
        "price", **{name: params[name] for name in kept if name in params}, product=product, active=True,
        type="recurring" if recurring else "one_time", billing_scheme=params.get("billing_scheme", "per_unit"),
        recurring={**_RECURRING, **recurring} if recurring else None,
    )  # fmt: skip
    _amounts(made)
    if "tiers" in params:
        made["tiers"] = [_tier(one) for one in params["tiers"]]
    call.emit("price.created", made)
    return made


def _amounts(price: Object) -> None:
    """Amount fields: `unit_amount` for whole cents only, `unit_amount_decimal` always."""
    if price["unit_amount"] is not None:
        price["unit_amount_decimal"] = str(price["unit_amount"])
    elif price["unit_amount_decimal"] is not None:
        exact = Decimal(price["unit_amount_decimal"])
        price["unit_amount"] = int(exact) if exact == int(exact) else None


def _tier(one: Object) -> Object:
    up_to = None if one["up_to"] == "inf" else int(one["up_to"])
    return {"flat_amount": None, "flat_amount_decimal": None, "unit_amount": None, "unit_amount_decimal": None, **one,
            "up_to": up_to}  # fmt: skip
