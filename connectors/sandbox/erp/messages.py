"""Message formats of the sandbox ERP, the same in webhooks and pages."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import PRODUCT
from canonical.values import Value

# Within the range of bigint, so that nothing overflows on the way to the database.
Amount = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Element = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=100)]
Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

SHIPMENT: Final = "shipment.changed"
TYPE_OF = {PRICE: "price.changed", COST: "cost.changed", STOCK: "stock.changed"}


class ErpChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`version` grows with every change in the ERP. `record_id`, if sent, is stable when the record's SKU changes.

    Prices, costs and stock without dimension are an integer `amount`, in minor units of `currency`, or in pieces
    without a currency. All other values are a typed `value`, with its `dimension`.
    """

    type: str = ""
    sku: Sku
    element: Element
    amount: Amount | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$")] = ""
    value: Value | None = None
    dimension: str = ""
    record_type: str = PRODUCT
    version: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    committed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    record_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    title: str = ""


ShipmentStatus = Literal["packed", "dispatched", "delivered", "cancelled"]


class ErpShipmentLine(msgspec.Struct, frozen=True):
    line: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class NewErpShipment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shipment of one order, by its number: created, or changed."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    order: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    status: ShipmentStatus
    lines: list[ErpShipmentLine]
    carrier: str = ""
    tracking: str = ""


class ErpShipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A `NewErpShipment` as the ERP reports it, with its `version` among all changes."""

    type: str
    number: str
    order: str
    status: ShipmentStatus
    lines: list[ErpShipmentLine]
    carrier: str = ""
    tracking: str = ""
    version: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    committed_at: Annotated[datetime, msgspec.Meta(tz=True)]


ErpRecord = ErpChange | ErpShipment
"""Content of the ERP's reports."""


class ChangeBatch(msgspec.Struct, frozen=True):
    """Changes of one webhook, each an `ErpRecord`; raw, because an unreadable one must not block the others."""

    changes: list[msgspec.Raw]
    type: str = "changes"


class ErpChangePage(msgspec.Struct, frozen=True):
    """Changes stay raw: they are stored byte for byte."""

    changes: list[msgspec.Raw]
    cursor: str
    more: bool


class NewErpValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value to save; with `expected`, only if the current amount is equal to `expected` (compare-and-set)."""

    sku: Sku
    element: Element
    amount: Amount | None = None
    expected: Amount | None = None
    value: Value | None = None
    dimension: str = ""
    record_type: str = PRODUCT


class NewErpValues(msgspec.Struct, frozen=True):
    changes: list[NewErpValue]
