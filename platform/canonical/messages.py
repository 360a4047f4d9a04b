"""Canonical messages, into which connectors translate the bytes of other systems.

A message is a snapshot of one document at one version (a shipment, an invoice, a case, a customer), or an occurrence
(an observation, a milestone). Its type has a version, as in `shipment.v1`: a field may be added with a default; any
other change is a new type. Messages are checked and normalised whenever they are constructed, as values are.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import msgspec

from canonical import problems
from canonical.amounts import EXACT
from canonical.fields import check_code, check_text, normalise_instants, require
from canonical.keys import PRODUCT, ElementKey, new_key
from canonical.marks import N_
from canonical.orders import OrderValue
from canonical.values import MoneyValue, QuantityValue, ReferenceValue, Value

MAX_LINES: Final = 1_000
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


class Message(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of all messages."""

    @property
    def reference(self) -> str:
        """The display name of the message's subject: its number in the source."""
        raise NotImplementedError


class Observation(Message, frozen=True, tag="observation.v1"):
    """One element of one record, as reported by a source system.

    `source_version` orders observations of the same element from the same source: a higher one is newer. Sources
    without a version use their commit time in microseconds. `committed_at` is the commit time in the source; the
    delivery clock starts later, with the release. `source_id` is the source's own id of the record, which stays when
    the record gets another key; empty for sources that identify records by the key alone. `title` is the record's name
    there, if the message contains it. `version_is_ours`: the version does not come from the source but is our own
    clock's time, in microseconds, when the record was read.

    Observations are checked at admission, not here, so that an invalid one is quarantined with its key.
    """

    record_key: str
    element: str
    value: Value
    source_version: int
    committed_at: datetime
    source_id: str = ""
    title: str = ""
    version_is_ours: bool = False
    dimension: str = ""
    record_type: str = PRODUCT

    @property
    def key(self) -> ElementKey:
        return new_key(ElementKey, (self.record_key, self.element, self.dimension, self.record_type))

    @property
    def reference(self) -> str:
        return self.record_key


class Party(msgspec.Struct, frozen=True, gc=False):
    """A participant. `id` is the source's own identifier of the party."""

    role: Literal["buyer", "seller", "payer", "ship_from", "ship_to", "carrier", "manufacturer", "service"]
    id: str
    name: str = ""

    def __post_init__(self) -> None:
        check_text(self.id, problems.PARTY_ID)
        check_text(self.name, problems.PARTY_NAME, least=0)


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a document. `line` is its number in the source; `order` and `order_line` are the numbers of the order
    that the line fulfils or charges, empty if the source reports none. `amount`, of invoices only, is without tax.
    """

    line: str
    sku: str
    quantity: QuantityValue
    order: str = ""
    order_line: str = ""
    amount: MoneyValue | None = None

    def __post_init__(self) -> None:
        check_text(self.line, problems.LINE_NUMBER)
        check_text(self.sku, problems.SKU)
        for text in (self.order, self.order_line):
            check_text(text, problems.ORDER_REFERENCE, least=0)


class DocumentMessage(Message, frozen=True, kw_only=True):
    """Base of snapshots. `number` is the document's own in its source; `version` orders snapshots of one document, as
    `source_version` does observations; `changed_at` is the time of the change in the source.
    """

    number: str
    version: int
    changed_at: datetime
    parties: tuple[Party, ...] = ()

    def __post_init__(self) -> None:
        check_text(self.number, problems.DOCUMENT_NUMBER)
        require(0 <= self.version < 2**63, problems.VERSION_RANGE)
        normalise_instants(self)

    @property
    def reference(self) -> str:
        return self.number


class OrderPlaced(DocumentMessage, frozen=True, kw_only=True, tag="order.v1"):
    """An order with its dates and parties, for tracking its delivery. Its content is governed as an observation
    of `order.document`, which a connector reports beside this message.

    `requested_for` is the day that the buyer asked for, `promised_for` the day that the seller confirmed.
    """

    document: OrderValue
    placed_at: datetime
    requested_for: date | None = None
    promised_for: date | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in (self.document.customer, self.document.email):
            check_text(text, problems.CUSTOMER, least=0)
        for line in self.document.lines:
            check_text(line.sku, problems.SKU)


class ShipmentUpdated(DocumentMessage, frozen=True, kw_only=True, tag="shipment.v1"):
    """A shipment. `tracking` is the carrier's number; `expected_at` the arrival as the source estimates it."""

    status: Literal["planned", "packed", "dispatched", "delivered", "returned", "cancelled"]
    lines: tuple[MessageLine, ...] = ()
    tracking: str = ""
    expected_at: datetime | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self.tracking, problems.TRACKING, least=0)
        _check_lines(self.lines)


class InvoiceIssued(DocumentMessage, frozen=True, kw_only=True, tag="invoice.v1"):
    """An invoice or a credit note. All amounts are in the currency of `total`, which includes `tax`."""

    issued_on: date
    total: MoneyValue
    tax: MoneyValue
    kind: Literal["invoice", "credit_note"] = "invoice"
    on_hold: bool = False
    lines: tuple[MessageLine, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lines(self.lines)
        amounts = [self.tax, *(line.amount for line in self.lines if line.amount is not None)]
        same = all(amount.currency == self.total.currency for amount in amounts)
        require(same, problems.ONE_CURRENCY)

    @property
    def net(self) -> Decimal:
        return EXACT.subtract(self.total.number, self.tax.number)


class CaseUpdated(DocumentMessage, frozen=True, kw_only=True, tag="case.v1"):
    """A case of a service desk. `about` lists the records concerned, such as an order."""

    status: Literal["open", "waiting", "resolved", "closed"]
    title: str
    opened_at: datetime
    about: tuple[ReferenceValue, ...] = ()
    assignee: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self.title, problems.CASE_TITLE, most=2_000)
        check_text(self.assignee, problems.ASSIGNEE, least=0)
        for record in self.about:
            check_text(record.record_key, problems.RECORD_KEY)


class CustomerUpdated(DocumentMessage, frozen=True, kw_only=True, tag="customer.v1"):
    """A customer account. `country` is a code of ISO 3166-1, `group` a customer group of the source."""

    name: str
    status: Literal["active", "blocked", "closed"]
    country: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self.name, problems.CUSTOMER)
        check_text(self.group, problems.CUSTOMER_GROUP, least=0)
        require(self.country == "" or _COUNTRY.fullmatch(self.country) is not None, problems.COUNTRY)


class MilestoneReached(Message, frozen=True, kw_only=True, tag="milestone.v1"):
    """A step of a delivery. `code` is our code, such as `pickup.done`, empty for steps without one; `source_code` is
    the source's own.

    `classifier` distinguishes plans and estimates from facts. `is_exact` is False where the source gives a local time
    without a place, so that the instant is uncertain.
    """

    about: ReferenceValue
    at: datetime
    code: str = ""
    source_code: str = ""
    classifier: Literal["planned", "estimated", "actual", "requested"] = "actual"
    is_exact: bool = True
    place: str = ""
    place_role: Literal["", "origin", "hub", "port", "border", "destination"] = ""
    reason_code: str = ""
    party: Party | None = None

    def __post_init__(self) -> None:
        normalise_instants(self)
        check_text(self.about.record_key, problems.RECORD_KEY)
        require(bool(self.code or self.source_code), problems.MILESTONE_CODE)
        if self.code:
            check_code(self.code)
        for text in (self.source_code, self.place, self.reason_code):
            check_text(text, problems.MILESTONE_TEXT, least=0)

    @property
    def reference(self) -> str:
        return self.about.record_key


MESSAGE_TYPES: Final[tuple[type[Message], ...]] = (
    Observation, OrderPlaced, ShipmentUpdated, InvoiceIssued, CaseUpdated, CustomerUpdated, MilestoneReached,
)  # fmt: skip


_LABELS: Final = {
    Observation: N_("Observations"),
    OrderPlaced: N_("Orders"),
    ShipmentUpdated: N_("Shipments"),
    InvoiceIssued: N_("Invoices"),
    CaseUpdated: N_("Cases"),
    CustomerUpdated: N_("Customers"),
    MilestoneReached: N_("Milestones"),
}


def code_of(message_type: type[Message]) -> str:
    """The type's code, such as `shipment.v1`."""
    return str(message_type.__struct_config__.tag)


_BY_CODE: Final = {code_of(message_type): message_type for message_type in MESSAGE_TYPES}


def message_type_of(code: str) -> type[Message] | None:
    """The type of a stored code; None for a code of another release."""
    return _BY_CODE.get(code)


def describe_message_type(code: str) -> str:
    """The label of a type; for a code of another release, the code itself."""
    known = _BY_CODE.get(code)
    return code if known is None else _LABELS[known]


def _check_lines(lines: tuple[MessageLine, ...]) -> None:
    require(len(lines) <= MAX_LINES, problems.MOST_LINES, most=MAX_LINES)
    numbers = {line.line for line in lines}
    require(len(numbers) == len(lines), problems.LINE_REPEATED)
