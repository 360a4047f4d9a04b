"""What the sandbox ERP says, in webhooks and pages alike."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from canonical.elements import COST, PRICE, STOCK

# Below the range of bigint, so that nothing overflows on the way to the database.
Amount = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

TYPE_OF = {PRICE: "price.changed", COST: "cost.changed", STOCK: "stock.changed"}


class ErpChange(msgspec.Struct, frozen=True, kw_only=True):
    """`version` grows with every change of the whole ERP; `currency` is empty for stock. `record_id`, where it is sent,
    stays with the record when it gets another SKU.
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
    """Each is a `ErpChange`; raw, because one that cannot be read must not hold back its neighbours."""

    changes: list[msgspec.Raw]
    type: str = "changes"


class ErpChangePage(msgspec.Struct, frozen=True):
    """Changes stay raw: they are kept byte for byte."""

    changes: list[msgspec.Raw]
    cursor: str
    more: bool


class NewErpValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `expected` it is saved only while the present amount is that one."""

    sku: Sku
    element: Literal["price.list", "price.cost", "stock.on_hand"]
    amount: Amount
    expected: Amount | None = None


class NewErpValues(msgspec.Struct, frozen=True):
    changes: list[NewErpValue]
