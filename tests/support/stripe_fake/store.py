"""Objects of each account, and the context of one request."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.stripe_fake.description import VERSION, kinds
from tests.support.stripe_fake.errors import missing

Object = dict[str, Any]
PLATFORM: Final = "acct_platform"
_PREFIXES: Final = {
    "customer": "cus", "product": "prod", "account": "acct", "charge": "ch", "setup_intent": "seti",
    "payment_method": "pm", "payment_intent": "pi", "invoice": "in", "invoiceitem": "ii", "line_item": "il",
    "invoice_payment": "inpay", "refund": "re", "credit_note": "cn", "credit_note_line_item": "cnli", "dispute": "dp",
    "billing.meter": "mtr", "balance_transaction": "txn", "payout": "po", "checkout.session": "cs_test",
    "billing_portal.session": "bps", "billing_portal.configuration": "bpc", "tax_id": "txi", "tax_rate": "txr",
    "event": "evt", "webhook_endpoint": "we", "application_fee": "fee", "fee_refund": "fr",
    "billing.meter_event_summary": "mtrusg",
    "customer_balance_transaction": "cbtxn", "tax.calculation": "taxcalc", "tax.calculation_line_item": "tax_li",
    "tax.transaction": "tax", "tax.transaction_line_item": "tax_txnli", "price": "price",
}  # fmt: skip


@dataclass
class AccountStore:
    """Objects of one account. `keys`: idempotency key to (fingerprint, status, body)."""

    id: str
    objects: dict[str, Object] = field(default_factory=dict)
    keys: dict[str, tuple[str, int, bytes]] = field(default_factory=dict)
    meter_events: list[Object] = field(default_factory=list)

    def of_kind(self, kind: str) -> Iterator[Object]:
        """Objects of a kind, oldest first."""
        return (one for one in self.objects.values() if one["object"] == kind)

    def need(self, id_: str, kind: str = "object", param: str = "id") -> Object:
        """The object with that id. Raises Refused: this account has no such object."""
        found = self.objects.get(id_)
        if found is None or (kind != "object" and found["object"] != kind) or found.get("deleted"):
            raise missing(kind, id_, param)
        return found


class World:
    """All accounts. Fields that begin with `_` are internal and never part of answers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.invoice_pages = "https://invoice.stripe.test"
        """Address of the pages on which people pay invoices."""
        self.tax_registrations = {"DE"}
        """Countries in which the accounts are registered for tax."""
        self.accounts = {PLATFORM: AccountStore(PLATFORM)}
        self.outbox: list[Object] = []
        self._numbers = itertools.count(1)

    @property
    def platform(self) -> AccountStore:
        return self.accounts[PLATFORM]

    def now(self) -> int:
        return int(self.clock())

    def number(self) -> int:
        return next(self._numbers)

    def make(self, account: AccountStore, kind: str, /, **values: Any) -> Object:
        made = kinds()[kind].blank()
        for name, value in (("livemode", False), ("created", self.now()), ("metadata", {})):
            if name in made:
                made[name] = value
        made.update(values)
        if "id" in made:
            made["id"] = values.get("id") or f"{_PREFIXES[kind]}_{self.number():08d}"
            account.objects[made["id"]] = made
        return made

    def emit(self, account: AccountStore, type_: str, subject: Object, request: Object | None = None) -> None:
        """A snapshot event, stored in the account and queued for its webhooks."""
        event = self.make(
            account, "event", type=type_, api_version=VERSION, pending_webhooks=1,
            data={"object": copy(subject), "previous_attributes": None},
            request=request or {"id": None, "idempotency_key": None},
        )  # fmt: skip
        if account.id != PLATFORM:
            event["account"] = account.id
        self.outbox.append(event)

    def emit_thin(self, account: AccountStore, type_: str, *, related: Object | None, data: Object) -> None:
        """A thin event: the webhook has its type and its subject only; the data must be fetched."""
        event: Object = {
            "id": f"evt_test_{self.number():08d}", "object": "v2.core.event", "type": type_, "livemode": False,
            "created": self.now(), "related_object": related, "data": data,
            "context": None if account.id == PLATFORM else account.id, "reason": None, "_thin": True,
        }  # fmt: skip
        account.objects[event["id"]] = event
        self.outbox.append(event)


def copy(value: Any) -> Any:
    """A deep copy without the fake's own fields."""
    if isinstance(value, dict):
        return {name: copy(one) for name, one in value.items() if not name.startswith("_")}
    return [copy(one) for one in value] if isinstance(value, list) else value


@dataclass
class Call:
    """One request: `ids` are those in its path, `params` its typed parameters."""

    world: World
    account: AccountStore
    ids: tuple[str, ...]
    params: dict[str, Any]
    request: Object

    def make(self, kind: str, /, **values: Any) -> Object:
        return self.world.make(self.account, kind, **values)

    def need(self, id_: str, kind: str, param: str = "id") -> Object:
        return self.account.need(id_, kind, param)

    def emit(self, type_: str, subject: Object) -> None:
        self.world.emit(self.account, type_, subject, self.request)

    @property
    def now(self) -> int:
        return self.world.now()


Handler = Callable[[Call], Object]
HANDLERS: dict[str, Handler] = {}


def handles(operation: str) -> Callable[[Handler], Handler]:
    """Register the behaviour of an operation."""

    def register(handler: Handler) -> Handler:
        HANDLERS[operation] = handler
        return handler

    return register


def page(items: list[Object], url: str, *, has_more: bool = False) -> Object:
    return {"object": "list", "data": items, "has_more": has_more, "url": url}
