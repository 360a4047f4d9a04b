"""Invoices: draft, finalised and open, then paid, void or uncollectible."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.support.stripe_fake.errors import Refused, invalid
from tests.support.stripe_fake.generic import update
from tests.support.stripe_fake.resources.payments import attach_method, charge_intent, make_intent
from tests.support.stripe_fake.store import Call, Object, handles, page

_KEPT = (
    "currency",
    "customer",
    "collection_method",
    "description",
    "metadata",
    "auto_advance",
    "footer",
    "default_payment_method",
)
_TRANSITIONS = {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None}
_DAY = 86400


@handles("invoice.create")
def create(call: Call) -> Object:
    params = call.params
    customer = call.need(params.get("customer", ""), "customer", "customer")
    if params.get("collection_method") == "send_invoice" and not ({"days_until_due", "due_date"} & set(params)):
        raise invalid("parameter_missing", "You must pass days_until_due or due_date.", "days_until_due")
    made = call.make(
        "invoice", **{name: params[name] for name in _KEPT if name in params}, status="draft", billing_reason="manual",
        customer_email=customer["email"], customer_name=customer["name"], period_start=call.now, period_end=call.now,
        status_transitions=dict(_TRANSITIONS), number=params.get("number"), _fee=params.get("application_fee_amount"),
        automatic_tax={"enabled": False, "disabled_reason": None, "liability": None, "provider": None, "status": None},
    )  # fmt: skip
    made["auto_advance"] = params.get("auto_advance", False)
    made["currency"] = made["currency"] or customer["currency"] or "eur"
    made["due_date"] = params.get("due_date") or (
        call.now + params["days_until_due"] * _DAY if "days_until_due" in params else None
    )
    made["lines"] = page([], f"/v1/invoices/{made['id']}/lines")
    if params.get("pending_invoice_items_behavior") == "include":
        for item in list(call.account.of_kind("invoiceitem")):
            if item["customer"] == customer["id"] and item["invoice"] is None:
                _add(call, made, item)
    _sum(made)
    call.emit("invoice.created", made)
    return made


@handles("invoice.update")
def change(call: Call) -> Object:
    found = call.need(call.ids[0], "invoice")
    if found["status"] != "draft" and set(call.params) - {"metadata", "auto_advance", "default_payment_method"}:
        raise invalid("invoice_not_editable", "Finalized invoices can't be updated in this way.")
    update(call, found)
    call.emit("invoice.updated", found)
    return found


@handles("invoice.delete")
def delete(call: Call) -> Object:
    found = _draft(call)
    for line in found["lines"]["data"]:
        call.account.objects.pop(line["id"], None)
    del call.account.objects[found["id"]]
    call.emit("invoice.deleted", found)
    return {"id": found["id"], "object": "invoice", "deleted": True}


@handles("invoice_item.create")
def create_item(call: Call) -> Object:
    params = call.params
    invoice = call.need(params["invoice"], "invoice", "invoice") if "invoice" in params else None
    customer = params.get("customer") or (invoice["customer"] if invoice else "")
    call.need(customer, "customer", "customer")
    if invoice is not None and invoice["status"] != "draft":
        raise invalid("invoice_not_editable", "Invoice items can be added to draft invoices only.", "invoice")
    quantity, unit = (
        Decimal(params.get("quantity_decimal", params.get("quantity", 1))),
        params.get("unit_amount_decimal"),
    )
    amount = (
        params["amount"]
        if "amount" in params
        else int((quantity * Decimal(unit or 0)).quantize(Decimal(1), ROUND_HALF_UP))
    )
    period = params.get("period") or {"start": call.now, "end": call.now}
    made = call.make(
        "invoiceitem", customer=customer, amount=amount,
        currency=params.get("currency") or (invoice or {}).get("currency", "eur"),
        description=params.get("description"), metadata=params.get("metadata") or {}, date=call.now, period=period,
        quantity=int(quantity), quantity_decimal=str(quantity), discounts=[], net_amount=amount,
        _rates=params.get("tax_rates", []),
    )  # fmt: skip
    if invoice is not None and made["currency"] != invoice["currency"]:
        del call.account.objects[made["id"]]
        raise invalid("invoice_currency_mismatch", "The item's currency is not the invoice's.", "currency")
    if invoice is not None:
        _add(call, invoice, made)
        _sum(invoice)
        call.emit("invoice.updated", invoice)
    call.emit("invoiceitem.created", made)
    return made


@handles("invoice.add_lines")
def add_lines(call: Call) -> Object:
    """Add all lines, or none. Their tax is given as amounts, which Stripe does not recompute."""
    invoice = _draft(call)
    for line in call.params["lines"]:
        period = line.get("period") or {"start": call.now, "end": call.now}
        item = call.make(
            "invoiceitem", customer=invoice["customer"], amount=line["amount"], currency=invoice["currency"],
            description=line.get("description"), metadata=line.get("metadata") or {}, date=call.now, period=period,
            quantity=1, quantity_decimal="1", discounts=[], net_amount=line["amount"], _rates=[],
        )  # fmt: skip
        _add(call, invoice, item)
        invoice["lines"]["data"][-1]["taxes"] = [_given_tax(call, tax) for tax in line.get("tax_amounts") or []]
        call.emit("invoiceitem.created", item)
    _sum(invoice)
    call.emit("invoice.updated", invoice)
    return invoice


def _given_tax(call: Call, tax: Object) -> Object:
    """Tax by a rate that is found by its content, or created as archived."""
    data = tax["tax_rate_data"]
    rates = [one for one in call.account.of_kind("tax_rate") if all(one[name] == data[name] for name in data)]
    rate = rates[0] if rates else call.make("tax_rate", **data, active=False)
    return {
        "amount": tax["amount"], "tax_behavior": "inclusive" if data["inclusive"] else "exclusive",
        "taxable_amount": tax["taxable_amount"], "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": tax.get("taxability_reason", "standard_rated"), "type": "tax_rate_details",
    }  # fmt: skip


@handles("invoice_item.delete")
def delete_item(call: Call) -> Object:
    found = call.need(call.ids[0], "invoiceitem")
    if found["invoice"]:
        invoice = call.need(found["invoice"], "invoice")
        if invoice["status"] != "draft":
            raise invalid("invoice_not_editable", "The item's invoice is not a draft.")
        invoice["lines"]["data"] = [one for one in invoice["lines"]["data"] if one["_item"] != found["id"]]
        _sum(invoice)
    del call.account.objects[found["id"]]
    return {"id": found["id"], "object": "invoiceitem", "deleted": True}


def _add(call: Call, invoice: Object, item: Object) -> None:
    item["invoice"] = invoice["id"]
    details = {"invoice_item": item["id"], "proration": False, "proration_details": None, "subscription": None}
    line = call.make(
        "line_item", amount=item["amount"], subtotal=item["amount"], currency=item["currency"], invoice=invoice["id"],
        description=item["description"], metadata=dict(item["metadata"]), period=dict(item["period"]),
        quantity=item["quantity"],
        parent={"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None},
        taxes=[_tax(call, rate, item["amount"]) for rate in item["_rates"]], _item=item["id"],
    )  # fmt: skip
    invoice["lines"]["data"].append(line)


def _tax(call: Call, rate: str, amount: int) -> Object:
    found = call.need(rate, "tax_rate", "tax_rates")
    part = Decimal(str(found["percentage"])) / 100
    tax = int((amount * part).quantize(Decimal(1), ROUND_HALF_UP))
    return {
        "amount": tax, "tax_behavior": "inclusive" if found["inclusive"] else "exclusive", "taxable_amount": amount,
        "tax_rate_details": {"tax_rate": rate}, "taxability_reason": "standard_rated", "type": "tax_rate_details",
    }  # fmt: skip


def _sum(invoice: Object) -> None:
    lines = invoice["lines"]["data"]
    taxes = [tax for line in lines for tax in line["taxes"] or []]
    by_rate: dict[str, Object] = {}
    for tax in taxes:
        rate = tax["tax_rate_details"]["tax_rate"]
        if rate in by_rate:
            for name in ("amount", "taxable_amount"):
                by_rate[rate][name] += tax[name]
        else:
            by_rate[rate] = dict(tax)
    net = sum(line["amount"] for line in lines)
    added = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    due = max(net + added, 0)
    invoice.update(
        subtotal=net, subtotal_excluding_tax=net, total=net + added, total_excluding_tax=net, amount_due=due,
        amount_remaining=due, total_taxes=list(by_rate.values()),
    )  # fmt: skip


def _draft(call: Call) -> Object:
    found = call.need(call.ids[0], "invoice")
    if found["status"] != "draft":
        raise invalid("invoice_not_editable", "This invoice is no longer a draft.")
    return found


@handles("invoice.finalize_invoice")
def finalize(call: Call) -> Object:
    found = _draft(call)
    if not found["lines"]["data"]:
        raise invalid("invoice_no_customer_line_items", "Nothing to invoice for customer.")
    customer = call.need(found["customer"], "customer")
    number = found["number"] or f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    found.update(
        status="open", number=number, hosted_invoice_url=f"{call.world.invoice_pages}/i/{found['id']}",
        starting_balance=0,
        invoice_pdf=f"{call.world.invoice_pages}/i/{found['id']}/pdf", ending_balance=0, effective_at=call.now,
    )  # fmt: skip
    found["status_transitions"]["finalized_at"] = call.now
    call.emit("invoice.finalized", found)
    if found["amount_due"] == 0:
        settle(call, found, "invoice.paid")
        return found
    intent = make_intent(
        call,
        found["amount_due"],
        found["currency"],
        found["customer"],
        application_fee_amount=found["_fee"],
        _invoice=found["id"],
    )
    found["_confirmation_secret"] = {"client_secret": intent["client_secret"], "type": "payment_intent"}
    _payment(call, found, intent["id"], is_default=True)
    return found


def _payment(call: Call, invoice: Object, intent: str, *, is_default: bool) -> Object:
    return call.make(
        "invoice_payment", amount_requested=invoice["amount_remaining"], currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=is_default, status="open", status_transitions={"canceled_at": None, "paid_at": None},
        payment={"type": "payment_intent", "payment_intent": intent, "charge": None, "payment_record": None},
    )  # fmt: skip


def settle(call: Call, invoice: Object, *events: str) -> None:
    """Mark an invoice as paid, and send the event."""
    invoice.update(status="paid", amount_remaining=0, auto_advance=False, attempted=True)
    invoice["status_transitions"]["paid_at"] = call.now
    for event in events:
        call.emit(event, invoice)


@handles("invoice.pay")
def pay(call: Call) -> Object:
    found = call.need(call.ids[0], "invoice")
    if found["status"] == "draft":
        finalize(call)
    if found["status"] == "paid":
        raise invalid("invoice_already_paid", "Invoice is already paid")
    if found["status"] not in {"open", "uncollectible"}:
        raise invalid("invoice_not_open", "Only open and uncollectible invoices can be paid.")
    payment = next(
        one for one in call.account.of_kind("invoice_payment") if one["invoice"] == found["id"] and one["is_default"]
    )
    if call.params.get("paid_out_of_band"):
        payment.update(status="canceled")
        found["amount_paid_off_stripe"] = found["amount_remaining"]
        settle(call, found, "invoice.paid")
        return found
    collect(call, found, payment, call.params.get("payment_method"))
    return found


def collect(call: Call, invoice: Object, payment: Object, given: str | None) -> None:
    """Charge the invoice's default method. Raises Refused: the method is missing or declined."""
    customer = call.need(invoice["customer"], "customer")
    named = given or invoice["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    if not named:
        raise invalid("resource_missing", "There is no default_payment_method set on this Customer or Invoice.")
    method = (
        attach_method(call, named, customer)
        if given and given.startswith("pm_card")
        else call.need(named, "payment_method")
    )
    intent = call.need(payment["payment"]["payment_intent"], "payment_intent")
    intent["amount"] = invoice["amount_remaining"]
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    try:
        charge_intent(call, intent, method)
    except Refused:
        call.emit("invoice.payment_failed", invoice)
        raise
    payment.update(status="paid", amount_paid=intent["amount"])
    payment["status_transitions"]["paid_at"] = call.now
    invoice["amount_paid"] += intent["amount"]
    call.emit("invoice_payment.paid", payment)
    settle(call, invoice, "invoice.paid", "invoice.payment_succeeded")


@handles("invoice.void_invoice")
def void(call: Call) -> Object:
    return _end(call, "void", "voided_at", "invoice.voided")


@handles("invoice.mark_uncollectible")
def mark_uncollectible(call: Call) -> Object:
    return _end(call, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")


def _end(call: Call, status: str, moment: str, event: str) -> Object:
    found = call.need(call.ids[0], "invoice")
    if found["status"] not in {"open", "uncollectible"} or found["status"] == status:
        raise invalid("invoice_not_open", f"You can only do this to open invoices; it is {found['status']}.")
    found.update(status=status, auto_advance=False)
    found["status_transitions"][moment] = call.now
    call.emit(event, found)
    return found


@handles("invoice.send_invoice")
def send(call: Call) -> Object:
    found = call.need(call.ids[0], "invoice")
    if found["collection_method"] != "send_invoice":
        raise invalid("invoice_not_editable", "You can only manually send invoices of collection method send_invoice.")
    call.emit("invoice.sent", found)
    return found


@handles("invoice_line_item.list")
def list_lines(call: Call) -> Object:
    found: Any = call.need(call.ids[0], "invoice")
    return page(found["lines"]["data"], f"/v1/invoices/{found['id']}/lines")
