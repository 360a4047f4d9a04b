"""Customers and their tax ids."""

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.generic import update
from tests.support.stripe_fake.resources.payments import attach_method
from tests.support.stripe_fake.store import Call, Object, handles

_SETTINGS = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


@handles("customer.create")
def create(call: Call) -> Object:
    params = dict(call.params)
    tax_ids, method = params.pop("tax_id_data", []), params.pop("payment_method", None)
    for name in ("source", "tax", "test_clock", "cash_balance"):
        params.pop(name, None)
    settings = {**_SETTINGS, **params.pop("invoice_settings", {})}
    made = call.make(
        "customer", **params, invoice_settings=settings, balance=params.get("balance", 0), delinquent=False,
        invoice_prefix=f"F{call.world.number():07d}", next_invoice_sequence=1,
        tax_exempt=params.get("tax_exempt", "none"),
    )  # fmt: skip
    if method:
        attach_method(call, method, made)
    for one in tax_ids:
        _tax_id(call, made["id"], one)
    call.emit("customer.created", made)
    return made


@handles("customer.update")
def change(call: Call) -> Object:
    found = call.need(call.ids[0], "customer")
    default = call.params.get("invoice_settings", {}).get("default_payment_method")
    if (
        default
        and call.need(default, "payment_method", "invoice_settings[default_payment_method]")["customer"] != found["id"]
    ):
        raise invalid("resource_missing", f"The customer does not have a payment method with the ID {default}.")
    update(call, found)
    call.emit("customer.updated", found)
    return found


@handles("customer_tax_id.create")
def create_tax_id(call: Call) -> Object:
    call.need(call.ids[0], "customer")
    return _tax_id(call, call.ids[0], call.params)


def _tax_id(call: Call, customer: str, params: Object) -> Object:
    value = params["value"].replace(" ", "")
    if params["type"] == "eu_vat" and not (value[:2].isalpha() and value[2:].isalnum() and len(value) > 7):
        raise invalid("tax_id_invalid", f"Invalid value for eu_vat: {value}.", "value")
    made = call.make(
        "tax_id", customer=customer, type=params["type"], value=value, country=value[:2].upper(),
        owner={"account": None, "application": None, "customer": customer, "customer_account": None,
        "type": "customer"},
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )  # fmt: skip
    call.emit("customer.tax_id.created", made)
    return made
