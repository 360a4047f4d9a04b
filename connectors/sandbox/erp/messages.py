"""Message formats of the sandbox ERP, the same in webhooks and pages."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from canonical.elements import COST, PRICE, STOCK

# Within the range of bigint, so that nothing overflows on the way to the database.
Amount = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

TYPE_OF = {PRICE: "price.changed", COST: "cost.changed", STOCK: "stock.changed"}


class ErpChange(msgspec.Struct, frozen=True, kw_only=True):
    """`version` grows with every change in the ERP; `currency` is empty for stock. `record_id`, if sent, is stable when
    the record's SKU changes.
    """

    type: str = ""
    sku: Sku
    element: Literal["price.list", "price.cost", "stock.on_hand"]
    amount: Amount
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$")] = ""
    version: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    committed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    record_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    title: str = ""


class ChangeBatch(msgspec.Struct, frozen=True):
    """Each is an `ErpChange`; raw, because an unreadable one must not block its neighbours."""

    changes: list[msgspec.Raw]
    type: str = "changes"


class ErpChangePage(msgspec.Struct, frozen=True):
    """Changes stay raw: they are stored byte for byte."""

    changes: list[msgspec.Raw]
    cursor: str
    more: bool


class NewErpValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `expected` the value is saved only if the current amount equals it (compare-and-set)."""

    sku: Sku
    element: Literal["price.list", "price.cost", "stock.on_hand"]
    amount: Amount
    expected: Amount | None = None


class NewErpValues(msgspec.Struct, frozen=True):
    changes: list[NewErpValue]
