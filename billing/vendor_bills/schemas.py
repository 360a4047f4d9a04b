"""Structs of vendor bills for pages, commands and the API."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.web.requests import RequestBody

MOST_LINES = 1000
"""Rows of one request."""
LONGEST = 200
LONGEST_TEXT = 500
_Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class MappingKind(LabelledCode):
    CLIENT = "client", N_("Client")
    PRODUCT = "product", N_("Product")


class MappingState(LabelledCode):
    UNMAPPED = "unmapped", N_("Unmapped")
    MAPPED = "mapped", N_("Mapped")
    IGNORED = "ignored", N_("Ignored")


class VendorLineInput(RequestBody, frozen=True, kw_only=True):
    """A row of a vendor's bill; `vendor`, `bill_number` and `line` identify it. Either `client_id`, the vendor's id of
    the client, or `client_name`. `amount`: quantity times `unit_cost` if not given; one of both is needed. The amount
    counts, also where a row of part of a month is less than that. Negative ones take back. Numbers are exact decimals
    with up to 9 places. The last day of the service is `service_to`.
    """

    vendor: _Text
    bill_number: _Text
    line: _Text
    client_id: _Text = ""
    client_name: _Text = ""
    product_code: _Text
    description: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""
    quantity: Decimal
    unit_cost: Decimal | None = None
    amount: Decimal | None = None
    currency: _Text
    service_from: date | None = None
    service_to: date | None = None

    @property
    def client_key(self) -> str:
        return self.client_id or self.client_name


class VendorBillInput(RequestBody, frozen=True, kw_only=True):
    """Rows of bills of one `month`, such as 2026-11."""

    month: Annotated[str, msgspec.Meta(max_length=20)]
    lines: Annotated[list[VendorLineInput], msgspec.Meta(min_length=1, max_length=MOST_LINES)]


class VendorUploadInput(RequestBody, frozen=True, kw_only=True):
    """A CSV file as text. `vendor`: for rows without one."""

    month: Annotated[str, msgspec.Meta(max_length=20)]
    csv: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    vendor: _Text = ""


class LineResult(msgspec.Struct, frozen=True):
    """`new`: stored, or to be stored. `existing`: stored before with the same content, and counted once. `wrong`: not
    stored, for the reason in `detail`. `place` counts from 1: rows of a request, or lines of a file. `raw`: the bytes
    of a wrong row of a file, as text.
    """

    place: int
    result: Literal["new", "existing", "wrong"]
    code: str = ""
    detail: str = ""
    raw: str = ""


class VendorReceipt(msgspec.Struct, frozen=True):
    """Results in the order of the request."""

    new: int
    existing: int
    wrong: int
    items: Sequence[LineResult]

    @classmethod
    def of(cls, items: Sequence[LineResult]) -> "VendorReceipt":
        counts = [sum(item.result == result for item in items) for result in ("new", "existing", "wrong")]
        return cls(counts[0], counts[1], counts[2], items)


class VendorTotal(msgspec.Struct, frozen=True):
    currency: str
    amount: Decimal


class VendorUploadView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of bills. `wrong`: rows that were not stored, or cannot be."""

    id: UUID
    month: str
    vendor: str
    rows: int
    wrong: int
    uploaded_at: datetime
    uploaded_by: str
    stored_at: datetime | None
    stored_by: str | None


class VendorUploadDetail(msgspec.Struct, frozen=True):
    """A file with the results of its rows, expected or stored. `items`: the wrong rows with their bytes. `totals`: of
    the new rows.
    """

    upload: VendorUploadView
    new: int
    existing: int
    wrong: int
    totals: Sequence[VendorTotal]
    items: Sequence[LineResult]


class VendorBillView(msgspec.Struct, frozen=True, kw_only=True):
    """A bill. `amount` is null for rows in several currencies."""

    id: UUID
    month: str
    vendor: str
    number: str
    lines: int
    unmapped: int
    amount: Decimal | None
    currency: str
    created_at: datetime
    created_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class VendorBillLineView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a bill. `client_id` and `meter` are its mapping, null while it is not mapped."""

    id: UUID
    bill_id: UUID
    month: str
    vendor: str
    number: str
    line: str
    client_key: str
    client_name: str
    product_code: str
    description: str
    quantity: Decimal
    unit_cost: Decimal
    amount: Decimal
    currency: str
    service_from: date | None
    service_to: date | None
    mapping: MappingState
    client_id: UUID | None
    meter: str | None


class BillWithdrawn(msgspec.Struct, frozen=True):
    id: UUID


class MappingInput(RequestBody, frozen=True, kw_only=True):
    """Mapping of a vendor's client or product (`key`): `client`, the short name of a client, or `meter`, with `factor`
    units of it in one of the product; instead of a meter an item of a plan, such as `basic:seats`, `basic:fee` or
    `basic:add-on:backup`. `ignore`: its rows do not count. With neither it is unmapped again.
    """

    kind: MappingKind
    vendor: _Text
    key: _Text
    client: Annotated[str, msgspec.Meta(max_length=63)] = ""
    meter: Annotated[str, msgspec.Meta(max_length=100)] = ""
    factor: Decimal = Decimal(1)
    ignore: bool = False


class MappingSet(msgspec.Struct, frozen=True):
    state: MappingState


class MappingView(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's client or product. `label`: its latest name at the vendor. `last_month`: the last one with a row of
    it.
    """

    kind: MappingKind
    vendor: str
    key: str
    label: str
    mapping: MappingState
    client_id: UUID | None
    meter: str | None
    factor: Decimal
    lines: int
    last_month: str
    set_at: datetime | None
    set_by: str | None
