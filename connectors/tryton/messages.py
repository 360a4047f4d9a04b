"""Tryton's JSON: fields requested of products, and the response formats."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from canonical.dimensions import InvalidDimension, dimension
from canonical.money import parse_decimal
from connectors.ports import SystemUnavailable
from connectors.tryton import reasons
from foundation.i18n.messages import text_of

PRODUCT_FIELDS: Final = [
    "code",
    "type",
    "consumable",
    "list_price_used",
    "cost_price",
    "quantity",
    "write_date",
    "create_date",
    "template.name",
    "template.write_date",
    "template.list_prices.write_date",
    "template.list_prices.create_date",
    "cost_prices.write_date",
    "cost_prices.create_date",
]
# A price or cost is stored in rows of its own, whose change does not touch the product's dates.
CHANGE_FIELDS: Final = [name for name in PRODUCT_FIELDS if name.endswith("_date")]


class TrytonMoment(msgspec.Struct, frozen=True):
    """A date of Tryton, in UTC."""

    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0

    def aware(self) -> datetime:
        return datetime(
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond, tzinfo=UTC
        )


class Number(msgspec.Struct, frozen=True):
    decimal: str

    def value(self) -> Decimal:
        """Raises InexactAmount."""
        return parse_decimal(self.decimal)


class Dated(msgspec.Struct, frozen=True):
    write_date: TrytonMoment | None = None
    create_date: TrytonMoment | None = None


class Template(msgspec.Struct, frozen=True):
    write_date: TrytonMoment | None
    list_prices: list[Dated] = msgspec.field(name="list_prices.")
    name: str | None = None


class Product(msgspec.Struct, frozen=True):
    """Numbers stay raw: an invalid one is unreadable without affecting the others, and none is parsed as a float."""

    id: int
    code: str
    type: str
    consumable: bool | int  # SQLite returns booleans as numbers
    list_price_used: msgspec.Raw  # a `Number` or null
    cost_price: msgspec.Raw  # a `Number` or null
    quantity: msgspec.Raw  # a number or null
    create_date: TrytonMoment
    write_date: TrytonMoment | None
    template: Template = msgspec.field(name="template.")
    cost_prices: list[Dated] = msgspec.field(name="cost_prices.")

    def price_changed_at(self) -> datetime:
        return _latest(self.create_date, self.write_date, self.template.write_date, *_dates(self.template.list_prices))

    def described_at(self) -> datetime:
        return _latest(self.create_date, self.write_date, self.template.write_date)

    def cost_changed_at(self) -> datetime:
        return _latest(self.create_date, *_dates(self.cost_prices))

    def dates(self) -> list[datetime]:
        """Dates of every change to the product, its prices and its costs. Raises ValueError for an impossible one."""
        return [moment.aware() for moment in self._moments() if moment is not None]

    def _moments(self) -> list[TrytonMoment | None]:
        own = [self.create_date, self.write_date, self.template.write_date]
        return [*own, *_dates(self.template.list_prices), *_dates(self.cost_prices)]


class Move(msgspec.Struct, frozen=True):
    product: int
    write_date: TrytonMoment


class Division(msgspec.Struct, frozen=True):
    """Values that Tryton computes per context. `dimension` as in `canonical.dimensions`; `fields` of products, read
    under `context`. `basis`: other records that determine the values, without a date on the products.
    """

    dimension: str
    elements: tuple[str, ...]
    fields: tuple[str, ...]
    context: dict[str, Any]
    basis: str = ""


def dimension_in(**parts: str) -> str:
    """Raises SystemUnavailable: names in Tryton may be longer than ours."""
    try:
        return dimension(**parts)
    except InvalidDimension as problem:
        raise SystemUnavailable(reasons.DIMENSION_UNUSABLE.write(error=text_of(problem))) from problem


LEFT_OUT: Final = "left-out"
"""Error text for a product that Tryton's response omits."""


class Divided(msgspec.Struct, frozen=True):
    """One product's values of a division: as Tryton returned them, or its error text."""

    dimension: str
    elements: tuple[str, ...]
    read: msgspec.Raw = msgspec.Raw(b"null")
    refused: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """One product as of `read_at`, with the newest finished stock move in the polled window."""

    currency: str
    read_at: datetime
    product: Product
    move: Move | None
    divided: list[Divided] = []


def snapshot_bytes(
    currency: str,
    read_at: datetime,
    product: msgspec.Raw,
    move: msgspec.Raw | None,
    divided: Sequence[Divided] = (),
) -> bytes:
    """Tryton's own bytes, wrapped unchanged."""
    head = msgspec.json.encode({"currency": currency, "read_at": read_at})[:-1]
    parts = [head, b',"product":', product, b',"move":', b"null" if move is None else move]
    if divided:
        parts += [b',"divided":', msgspec.json.encode(divided)]
    return b"".join((*parts, b"}"))


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def tryton_moment(moment: datetime) -> dict[str, Any]:
    utc = moment.astimezone(UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}


def _dates(rows: list[Dated]) -> list[TrytonMoment | None]:
    return [moment for row in rows for moment in (row.write_date, row.create_date)]


def _latest(*moments: TrytonMoment | None) -> datetime:
    return max(moment.aware() for moment in moments if moment is not None)
