"""Payment methods of Stripe's customers: entered on Stripe's own pages, chosen, and removed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import stripe

from billing.payments.port import MethodLink, PaymentMethod
from billing.stripe.convert import OWN_ID, own_id, payment_method
from billing.stripe.reading import MISSING

_SHOWN: Final = 20
_COMPLETE: Final = "complete"
_ENDED: Final = frozenset({_COMPLETE, "expired"})


async def method_link(client: stripe.StripeClient, customer_id: str, *, return_url: str, currency: str) -> MethodLink:
    """A Checkout page in setup mode. It has no idempotency key: each click has a page of its own."""
    session = await client.v1.checkout.sessions.create_async(
        {
            "mode": "setup", "customer": customer_id, "success_url": return_url, "cancel_url": return_url,
            "currency": currency.lower(),
        }
    )  # fmt: skip
    return MethodLink(session.id, str(session.url))


async def portal_link(client: stripe.StripeClient, customer_id: str, *, return_url: str) -> str:
    asked: Any = {"customer": customer_id, "return_url": return_url}
    return str((await client.v1.billing_portal.sessions.create_async(asked)).url)


async def adopt_method(client: stripe.StripeClient, session_id: str) -> bool:
    """Make the entered method the default. False while none was entered; True also when the page expired."""
    try:
        session = await client.v1.checkout.sessions.retrieve_async(session_id, {"expand": ["setup_intent"]})
    except stripe.InvalidRequestError as error:
        if error.code == MISSING:
            return True
        raise
    method = getattr(session.setup_intent, "payment_method", None)
    if session.status == _COMPLETE and method and session.customer:
        await choose_method(client, str(session.customer), str(getattr(method, "id", method)))
    return session.status in _ENDED


async def list_methods(client: stripe.StripeClient, customer_id: str) -> Sequence[PaymentMethod]:
    """List the customer's methods, newest first; empty if the customer was deleted."""
    try:
        customer = await client.v1.customers.retrieve_async(customer_id)
        if getattr(customer, "deleted", False):
            return []
        found = await client.v1.customers.payment_methods.list_async(customer_id, {"limit": _SHOWN})
    except stripe.InvalidRequestError as error:
        if error.code == MISSING:
            return []
        raise
    settings = customer.invoice_settings
    default = settings.default_payment_method if settings else None
    chosen = str(getattr(default, "id", default)) if default else None
    return [payment_method(one, chosen) for one in found.data]


async def choose_method(client: stripe.StripeClient, customer_id: str, method_id: str) -> None:
    await client.v1.customers.update_async(customer_id, {"invoice_settings": {"default_payment_method": method_id}})


async def remove_method(client: stripe.StripeClient, method_id: str) -> None:
    """Detach the method; no effect if it no longer exists or has no customer."""
    try:
        found = await client.v1.payment_methods.retrieve_async(method_id)
        if found.customer is not None:
            await client.v1.payment_methods.detach_async(method_id)
    except stripe.InvalidRequestError as error:
        if error.code != MISSING:
            raise


async def find_client_of(client: stripe.StripeClient, object_id: str) -> UUID | None:
    """Find our client by the metadata of the object's customer."""
    kind, v1 = object_id.split("_", 1)[0], client.v1
    try:
        if kind == "cus":
            customer: Any = object_id
        elif kind == "cs":
            customer = (await v1.checkout.sessions.retrieve_async(object_id)).customer
        elif kind == "pm":
            customer = (await v1.payment_methods.retrieve_async(object_id)).customer
        else:
            customer = (await v1.setup_intents.retrieve_async(object_id)).customer if kind == "seti" else None
        found = await v1.customers.retrieve_async(str(customer)) if customer else None
    except stripe.InvalidRequestError as error:
        if error.code == MISSING or error.http_status == HTTPStatus.NOT_FOUND:
            return None
        raise
    metadata = getattr(found, "metadata", None)
    return own_id(metadata.to_dict().get(OWN_ID)) if metadata is not None else None
