"""Refunds, credit notes and disputes."""

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.resources.payments import balance_entry
from tests.support.stripe_fake.store import Call, Object, handles, page


@handles("refund.create")
def create(call: Call) -> Object:
    params = call.params
    if "charge" in params:
        charge = call.need(params["charge"], "charge", "charge")
    else:
        intent = call.need(params.get("payment_intent", ""), "payment_intent", "payment_intent")
        charge = call.need(intent["latest_charge"] or "", "charge", "payment_intent")
    return refund_charge(call, charge, params.get("amount"), params.get("metadata") or {}, params.get("reason"))


def refund_charge(
    call: Call, charge: Object, amount: int | None, metadata: Object, reason: str | None = None
) -> Object:
    left = charge["amount_captured"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    if left == 0:
        raise invalid("charge_already_refunded", f"Charge {charge['id']} has already been refunded.")
    if any(one["charge"] == charge["id"] and one["status"] != "won" for one in call.account.of_kind("dispute")):
        raise invalid("charge_disputed", "This charge has been charged back.")
    if not 0 < wanted <= left:
        raise invalid(
            "amount_too_large", f"Refund amount ({wanted}) is greater than unrefunded amount ({left}).", "amount"
        )
    made = call.make(
        "refund", amount=wanted, currency=charge["currency"], charge=charge["id"],
        payment_intent=charge["payment_intent"],
        status="succeeded", reason=reason, metadata=metadata, customer=charge["customer"],
    )  # fmt: skip
    made["balance_transaction"] = balance_entry(call, -wanted, charge["currency"], "refund", made["id"])["id"]
    charge["amount_refunded"] += wanted
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.emit("refund.created", made)
    call.emit("charge.refunded", charge)
    return made


@handles("credit_note.create")
def create_note(call: Call) -> Object:
    params = call.params
    invoice = call.need(params["invoice"], "invoice", "invoice")
    if invoice["status"] not in {"open", "paid"}:
        raise invalid("invoice_not_open", "Credit notes are for open or paid invoices.", "invoice")
    total = params.get("amount") or sum(one.get("amount", 0) for one in params.get("lines", []))
    noted = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if not 0 < total <= invoice["total"] - noted:
        raise invalid("amount_too_large", "The credit note is larger than what the invoice has left.", "amount")
    before = min(total, invoice["amount_remaining"]) if invoice["status"] == "open" else 0
    after = total - before
    parts = {name: params.get(f"{name}_amount", 0) for name in ("refund", "credit", "out_of_band")}
    if sum(parts.values()) != after:
        message = f"The sum of refund, credit and out of band amounts must be {after}, the part that was paid."
        raise invalid("credit_note_amounts", message, "amount")
    refunds = [_refund_of(call, invoice, parts["refund"], params.get("metadata") or {})] if parts["refund"] else []
    made = call.make(
        "credit_note", amount=total, subtotal=total, total=total, currency=invoice["currency"],
        customer=invoice["customer"],
        invoice=invoice["id"], number=f"{invoice['number']}-CN-{call.world.number():02d}", status="issued",
        memo=params.get("memo"),
        reason=params.get("reason"), metadata=params.get("metadata") or {},
        pre_payment_amount=before, post_payment_amount=after, type=_when(before, after),
        out_of_band_amount=parts["out_of_band"] or None,
        refunds=refunds, pdf="https://invoice.stripe.test/credit-note.pdf", total_excluding_tax=total,
    )  # fmt: skip
    made["lines"] = page([_line(call, made, total)], f"/v1/credit_notes/{made['id']}/lines")
    _apply(call, invoice, before, after, parts["credit"])
    call.emit("credit_note.created", made)
    call.emit("invoice.updated", invoice)
    return made


def _when(before: int, after: int) -> str:
    if not after:
        return "pre_payment"
    return "mixed" if before else "post_payment"


def _line(call: Call, note: Object, total: int) -> Object:
    return call.make(
        "credit_note_line_item", amount=total, description=note["memo"], quantity=1, unit_amount=total,
        unit_amount_decimal=str(total), type="custom_line_item", taxes=[],
    )  # fmt: skip


def _apply(call: Call, invoice: Object, before: int, after: int, credit: int) -> None:
    invoice["pre_payment_credit_notes_amount"] += before
    invoice["post_payment_credit_notes_amount"] += after
    invoice["amount_remaining"] -= before
    invoice["amount_due"] -= before
    if invoice["status"] == "open" and invoice["amount_remaining"] == 0:
        invoice["status"] = "paid"
        invoice["status_transitions"]["paid_at"] = call.now
        call.emit("invoice.paid", invoice)
    if credit:
        call.need(invoice["customer"], "customer")["balance"] -= credit


def _refund_of(call: Call, invoice: Object, amount: int, metadata: Object) -> Object:
    for payment in call.account.of_kind("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["status"] == "paid":
            intent = call.need(payment["payment"]["payment_intent"], "payment_intent")
            made = refund_charge(call, call.need(intent["latest_charge"], "charge"), amount, metadata)
            return {"amount_refunded": amount, "refund": made["id"], "payment_record_refund": None, "type": "refund"}
    raise invalid("credit_note_no_payment", "The invoice has no payment that can be refunded.", "refund_amount")


@handles("credit_note.void_credit_note")
def void_note(call: Call) -> Object:
    found = call.need(call.ids[0], "credit_note")
    if found["status"] != "issued" or found["post_payment_amount"]:
        raise invalid("credit_note_not_voidable", "Only issued credit notes before payment can be voided.")
    invoice = call.need(found["invoice"], "invoice")
    invoice["pre_payment_credit_notes_amount"] -= found["amount"]
    for name in ("amount_remaining", "amount_due"):
        invoice[name] += found["amount"]
    found.update(status="void", voided_at=call.now)
    call.emit("credit_note.voided", found)
    return found


@handles("dispute.close")
def close_dispute(call: Call) -> Object:
    """Accept the dispute as lost."""
    return end_dispute(call, call.need(call.ids[0], "dispute"), "lost")


def open_dispute(call: Call, charge: Object, reason: str) -> Object:
    made = call.make(
        "dispute", amount=charge["amount"], currency=charge["currency"], charge=charge["id"], reason=reason,
        payment_intent=charge["payment_intent"], status="needs_response", is_charge_refundable=False,
    )  # fmt: skip
    charge["disputed"] = True
    call.emit("charge.dispute.created", made)
    entry = balance_entry(call, -charge["amount"], charge["currency"], "adjustment", made["id"], fee=1500)
    made["balance_transactions"].append(entry)
    call.emit("charge.dispute.funds_withdrawn", made)
    return made


def end_dispute(call: Call, dispute: Object, status: str) -> Object:
    """End a dispute; `won` returns the money, with a separate event."""
    if dispute["status"] in {"won", "lost"}:
        raise invalid("dispute_closed", "This dispute is already closed.")
    dispute["status"] = status
    if status == "won":
        entry = balance_entry(call, dispute["amount"], dispute["currency"], "adjustment", dispute["id"])
        dispute["balance_transactions"].append(entry)
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.emit("charge.dispute.closed", dispute)
    return dispute
