"""Payment methods, and charges of them."""

from tests.support.stripe_fake.errors import Refused, invalid
from tests.support.stripe_fake.store import Call, Object, handles

_CARDS = {
    "pm_card_visa": ("visa", "4242", "ok"),
    "pm_card_mastercard": ("mastercard", "4444", "ok"),
    "pm_card_chargeDeclined": ("visa", "0002", "card_declined"),
    "pm_card_chargeCustomerFail": ("visa", "0341", "card_declined"),
    "pm_card_chargeDeclinedInsufficientFunds": ("visa", "9995", "insufficient_funds"),
}


def card(call: Call, token: str, customer: str | None) -> Object:
    """A payment method of one of Stripe's test cards."""
    brand, last4, conduct = _CARDS[token]
    made = call.make("payment_method", type="card", customer=customer, billing_details=_no_details(), _conduct=conduct)
    made["card"] = {
        "brand": brand, "checks": None, "country": "DE", "display_brand": brand, "exp_month": 12, "exp_year": 2034,
        "fingerprint": f"fp{last4}", "funding": "credit", "generated_from": None, "last4": last4, "networks": None,
        "regulated_status": "unregulated", "three_d_secure_usage": None, "wallet": None,
    }  # fmt: skip
    return made


def _no_details() -> Object:
    return {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


def attach_method(call: Call, method: str, customer: Object) -> Object:
    if method in _CARDS:
        found = card(call, method, customer["id"])
    else:
        found = call.need(method, "payment_method", "payment_method")
        if found["customer"] not in {None, customer["id"]}:
            raise invalid("payment_method_unexpected_state", "The payment method is attached to another customer.")
        found["customer"] = customer["id"]
    call.emit("payment_method.attached", found)
    return found


@handles("payment_method.attach")
def attach(call: Call) -> Object:
    return attach_method(call, call.ids[0], call.need(call.params.get("customer", ""), "customer", "customer"))


@handles("payment_method.detach")
def detach(call: Call) -> Object:
    found = call.need(call.ids[0], "payment_method")
    if found["customer"] is None:
        raise invalid("payment_method_unexpected_state", "The payment method is not attached to a customer.")
    settings = call.need(found["customer"], "customer")["invoice_settings"]
    if settings["default_payment_method"] == found["id"]:
        settings["default_payment_method"] = None
    found["customer"] = None
    call.emit("payment_method.detached", found)
    return found


def make_intent(call: Call, amount: int, currency: str, customer: str | None, **values: object) -> Object:
    made = call.make(
        "payment_intent", amount=amount, currency=currency, customer=customer, status="requires_payment_method",
        payment_method_types=["card"], **values,
    )  # fmt: skip
    made["client_secret"] = f"{made['id']}_secret_{call.world.number()}"
    call.emit("payment_intent.created", made)
    return made


def charge_intent(call: Call, intent: Object, method: Object) -> Object:
    """Charge the method. Raises Refused (402): the card is declined; the intent can be retried."""
    conduct = method.get("_conduct", "ok")
    made = call.make(
        "charge", amount=intent["amount"], currency=intent["currency"], customer=intent["customer"],
        payment_intent=intent["id"], payment_method=method["id"], billing_details=_no_details(),
        application_fee_amount=intent["application_fee_amount"],
    )  # fmt: skip
    intent["latest_charge"] = made["id"]
    if conduct != "ok":
        made.update(status="failed", failure_code=conduct, failure_message="Your card was declined.")
        intent.update(status="requires_payment_method", payment_method=None)
        call.emit("charge.failed", made)
        call.emit("payment_intent.payment_failed", intent)
        raise Refused(
            402, "card_declined", "Your card was declined.", kind="card_error", decline_code=conduct, charge=made["id"],
        )  # fmt: skip
    fee = intent["application_fee_amount"] or 0
    entry = balance_entry(
        call, made["amount"], made["currency"], "charge", made["id"], fee=_own_fee(made["amount"]) + fee
    )
    made.update(
        status="succeeded", paid=True, captured=True, amount_captured=made["amount"], balance_transaction=entry["id"]
    )
    intent.update(status="succeeded", amount_received=made["amount"], payment_method=method["id"])
    if fee:
        made["application_fee"] = _application_fee(call, made, fee)["id"]
    call.emit("charge.succeeded", made)
    call.emit("payment_intent.succeeded", intent)
    return made


def _own_fee(amount: int) -> int:
    return amount * 15 // 1000 + 25


def _application_fee(call: Call, charge: Object, fee: int) -> Object:
    """The platform's fee; a direct charge itself belongs to the connected account."""
    made = call.world.make(
        call.world.platform, "application_fee", account=call.account.id, amount=fee, application="ca_test",
        charge=charge["id"], currency=charge["currency"],
    )  # fmt: skip
    call.world.emit(call.world.platform, "application_fee.created", made)
    return made


@handles("application_fee_refund.create")
def refund_fee(call: Call) -> Object:
    fee = call.need(call.ids[0], "application_fee", "id")
    left = fee["amount"] - fee["amount_refunded"]
    amount = call.params.get("amount", left)
    if not 0 < amount <= left:
        raise invalid("amount_too_large", f"Only {left} of the fee is left to refund.", "amount")
    made = call.make(
        "fee_refund", amount=amount, currency=fee["currency"], fee=fee["id"],
        metadata=call.params.get("metadata") or {},
    )  # fmt: skip
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    return made


def balance_entry(call: Call, amount: int, currency: str, kind: str, source: str, *, fee: int = 0) -> Object:
    """A balance transaction; negative amounts leave the account."""
    return call.make(
        "balance_transaction", amount=amount, currency=currency, fee=fee, net=amount - fee, type=kind, source=source,
        reporting_category=kind, status="pending", available_on=call.now + 2 * 86400, balance_type="payments",
    )  # fmt: skip


@handles("payment_intent.cancel")
def cancel(call: Call) -> Object:
    found = call.need(call.ids[0], "payment_intent")
    if found.get("_invoice"):
        raise invalid("payment_intent_invalid_parameter", "An invoice's default PaymentIntent cannot be cancelled.")
    if found["status"] == "succeeded":
        raise invalid("payment_intent_unexpected_state", "You cannot cancel this PaymentIntent: it has succeeded.")
    found.update(status="canceled", canceled_at=call.now)
    call.emit("payment_intent.canceled", found)
    return found


@handles("payment_intent.update")
def change(call: Call) -> Object:
    found = call.need(call.ids[0], "payment_intent")
    if found.get("_invoice") and set(call.params) - {"metadata"}:
        raise invalid("payment_intent_invalid_parameter", "An invoice's default PaymentIntent cannot be changed.")
    found["metadata"].update(call.params.get("metadata") or {})
    return found
