"""The form of a price: the fields of each kind, reading their input, and filling them in from an existing price."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.price_books.cells import MOST_CELLS, MOST_DIMENSIONS, PriceCell, dimensions_of
from billing.price_books.inputs import PriceInput
from billing.price_books.pricing import PriceKind, Terms
from billing.price_books.wording import write_plain
from billing.pricing.tiers import PriceTier
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.lists import is_day

Typed = Mapping[str, str]
FIELDS: Final[Mapping[PriceKind, Sequence[str]]] = {
    PriceKind.PER_UNIT: ("unit_price", "included"),
    PriceKind.GRADUATED: ("tiers", "included"),
    PriceKind.VOLUME: ("tiers", "included"),
    PriceKind.PACKAGE: ("size", "unit_price", "included"),
    PriceKind.BLOCKS: ("size", "tiers", "included"),
    PriceKind.FLAT: ("unit_price",),
    PriceKind.PERCENTAGE: ("rate_pct", "per_event", "included"),
    PriceKind.MATRIX: ("cells", "unit_price"),
}
_LIMITS: Final = ("minimum", "maximum")
_ROWS_OF: Final = frozenset({"tiers", "cells"})
ROWS: Final = 3
"""Least number of rows of tiers in the form."""
MOST_ROWS: Final = 12
CELL_ROWS: Final = 6
"""Least number of rows of cells in the form, and of empty ones after those with text."""
_NUMBER: Final = re.compile(r"[0-9]{1,19}([.,][0-9]{0,12})?", re.ASCII)
_LONGEST: Final = {"meter": 100, "description": 200}


def read_kind(name: str) -> PriceKind:
    """Raises InvalidInput."""
    if name not in list(PriceKind):
        raise InvalidInput(N_("Choose a kind of price."), field="kind")
    return PriceKind(name)


def read_price(typed: Typed) -> PriceInput:
    """Read a price from a form, from the fields of its kind only.

    Raises:
        InvalidInput: names the field.
    """
    kind = read_kind(typed.get("kind", PriceKind.PER_UNIT))
    for name, most in _LONGEST.items():
        if len(typed.get(name, "")) > most:
            raise InvalidInput(N_("This text has at most {most} characters."), params={"most": most}, field=name)
    numbers = {name: read_number(typed, name) for name in (*FIELDS[kind], *_LIMITS) if name not in _ROWS_OF}
    given = {name: number for name, number in numbers.items() if number is not None}
    return PriceInput(
        meter=typed.get("meter", ""), description=typed.get("description", ""), valid_from=read_day(typed), kind=kind,
        tiers=_read_tiers(typed) if "tiers" in FIELDS[kind] else (),
        cells=_read_cells(typed) if "cells" in FIELDS[kind] else (), **given,
    )  # fmt: skip


def read_number(typed: Typed, name: str) -> Decimal | None:
    """A number with a point or a comma; None for an empty field. Raises InvalidInput."""
    text = typed.get(name, "")
    if text and not _NUMBER.fullmatch(text):
        raise InvalidInput(N_("Enter a number of 0 or more, such as 0.03."), field=name)
    return Decimal(text.replace(",", ".")) if text else None


def read_change(typed: Typed, name: str) -> Decimal | None:
    """A number with or without a minus; None for an empty field. Raises InvalidInput."""
    text = typed.get(name, "")
    if text and not _NUMBER.fullmatch(text.removeprefix("-")):
        raise InvalidInput(N_("Enter a number, such as 5 or -2.5."), field=name)
    return Decimal(text.replace(",", ".")) if text else None


def read_day(typed: Typed) -> datetime | None:
    """The start of the first day; None if it is left empty. Raises InvalidInput."""
    text = typed.get("valid_from", "")
    if not text:
        return None
    if not is_day(text):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="valid_from")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _read_tiers(typed: Typed) -> Sequence[PriceTier]:
    """Rows without any text are left out. Raises InvalidInput."""
    tiers: list[PriceTier] = []
    for row in range(1, MOST_ROWS + 1):
        up_to, price, fee = (read_number(typed, f"{name}_{row}") for name in ("up_to", "tier_price", "fee"))
        if up_to is None and price is None and fee is None:
            continue
        if price is None:
            raise InvalidInput(N_("Enter the price of this tier."), field=f"tier_price_{row}")
        tiers.append(PriceTier(up_to, price, fee or Decimal(0)))
    return tiers


def _read_cells(typed: Typed) -> Sequence[PriceCell]:
    """Rows without any text are left out. Raises InvalidInput."""
    cells: list[PriceCell] = []
    for row in range(1, MOST_CELLS + 1):
        dims: dict[str, str] = {}
        for column in range(1, MOST_DIMENSIONS + 1):
            if value := typed.get(f"value_{column}_{row}", ""):
                if not (name := typed.get(f"dimension_{column}", "")):
                    raise InvalidInput(N_("Enter the dimension of these values."), field=f"dimension_{column}")
                dims[name] = value
        price = read_number(typed, f"cell_price_{row}")
        if price is None and dims:
            raise InvalidInput(N_("Enter the price of these values."), field=f"cell_price_{row}")
        if price is not None and not dims:
            raise InvalidInput(N_("Enter a value of the dimension."), field=f"value_1_{row}")
        if price is not None:
            cells.append(PriceCell(dims, price))
    return cells


def write_form(terms: Terms) -> Typed:
    """Texts of the form's fields for existing terms."""
    shown = {
        "kind": terms.kind.value,
        "unit_price": write_plain(terms.unit_price),
        "included": write_plain(terms.included),
        "size": write_plain(terms.size),
        "rate_pct": write_plain(terms.rate_pct),
        "per_event": write_plain(terms.per_event),
    }
    for name, limit in (("minimum", terms.minimum), ("maximum", terms.maximum)):
        shown[name] = "" if limit is None else write_plain(limit)
    for row, tier in enumerate(terms.tiers, start=1):
        shown[f"up_to_{row}"] = "" if tier.up_to is None else write_plain(tier.up_to)
        shown[f"tier_price_{row}"] = write_plain(tier.unit_price)
        shown[f"fee_{row}"] = write_plain(tier.flat) if tier.flat else ""
    names = dimensions_of(terms.cells)
    shown |= {f"dimension_{column}": name for column, name in enumerate(names, start=1)}
    for row, cell in enumerate(terms.cells, start=1):
        shown |= {f"value_{names.index(name) + 1}_{row}": value for name, value in cell.dims.items()}
        shown[f"cell_price_{row}"] = write_plain(cell.unit_price)
    return shown


def cell_rows_of(typed: Typed) -> Sequence[int]:
    """Numbers of the rows of cells to show: those with text, and some more."""
    names = ("cell_price", *(f"value_{column}" for column in range(1, MOST_DIMENSIONS + 1)))
    used = [row for row in range(1, MOST_CELLS + 1) if any(typed.get(f"{name}_{row}") for name in names)]
    return range(1, min(MOST_CELLS, (used or [0])[-1] + CELL_ROWS) + 1)


def rows_of(typed: Typed) -> Sequence[int]:
    """Numbers of the rows of tiers to show: those with text and one more, at least `ROWS`."""
    used = [row for row in range(1, MOST_ROWS + 1) if typed.get(f"tier_price_{row}") or typed.get(f"up_to_{row}")]
    return range(1, min(MOST_ROWS, max(ROWS, (used or [0])[-1] + 1)) + 1)
