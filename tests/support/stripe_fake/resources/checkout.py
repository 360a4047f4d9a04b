"""Checkout sessions in setup mode, and the customer portal."""

from tests.support.stripe_fake.errors import Refused, invalid
from tests.support.stripe_fake.store import Call, Object, handles

_DAY = 86400


@handles("checkout.session.create")
def create(call: Call) -> Object:
    params = call.params
    if params.get("mode") != "setup":
        raise Refused(501, "not_in_fake", "Only mode=setup is in this fake", kind="api_error")
    if not params.get("success_url"):
        raise invalid("parameter_missing", "Missing required param: success_url.", "success_url")
    if params.get("customer"):
        call.need(params["customer"], "customer", "customer")
    intent = call.make(
        "setup_intent", customer=params.get("customer"), status="requires_payment_method", usage="off_session",
        payment_method_types=["card"], metadata=params.get("setup_intent_data", {}).get("metadata", {}),
    )  # fmt: skip
    kept = ("mode", "customer", "success_url", "cancel_url", "client_reference_id", "metadata", "currency")
    made = call.make(
        "checkout.session", **{name: params[name] for name in kept if name in params}, status="open",
        payment_status="no_payment_required", expires_at=call.now + _DAY, setup_intent=intent["id"],
        payment_method_types=["card"],
    )  # fmt: skip
    made["url"] = f"https://checkout.stripe.test/c/pay/{made['id']}"
    return made


@handles("checkout.session.expire")
def expire(call: Call) -> Object:
    found = call.need(call.ids[0], "checkout.session")
    if found["status"] != "open":
        raise invalid("resource_not_open", "Only Checkout Sessions with a status of open can be expired.")
    found.update(status="expired", url=None)
    call.emit("checkout.session.expired", found)
    return found


@handles("billing_portal.session.create")
def create_portal(call: Call) -> Object:
    call.need(call.params.get("customer", ""), "customer", "customer")
    made = call.make(
        "billing_portal.session", customer=call.params["customer"], configuration="bpc_default",
        return_url=call.params.get("return_url"),
    )  # fmt: skip
    made["url"] = f"https://billing.stripe.test/p/session/{made['id']}"
    return made
