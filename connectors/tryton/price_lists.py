"""Prices per price list and currency: Tryton computes each product's sale price for one piece, as it does on a sale.

No date on a product changes with a list or a rate, so both are part of the basis of divided values: after any change of
them, every product is read again.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

from canonical.elements import PRICE
from connectors.ports import HttpCaller, SystemUnavailable
from connectors.tryton import reasons
from connectors.tryton.messages import Division, dimension_in
from connectors.tryton.session import TrytonSession
from connectors.tryton.settings import currency_codes, price_list_names
from foundation.i18n.messages import MessageType

_PIECES: Final = 1
"""Lines for larger quantities do not count: a price without a quantity is that of one piece."""
_LIST_FIELDS: Final = [
    "name", "price", "unit", "tax_included", "lines.formula", "lines.quantity", "lines.category", "lines.product",
    "lines.sequence",
]  # fmt: skip
_PRICE_FIELDS: Final = ("sale_price_uom", "sale_uom", "default_uom")

_Row: TypeAlias = dict[str, Any]


async def price_divisions(http: HttpCaller, session: TrytonSession) -> list[Division]:
    """Divisions: one for each price list in each currency, and one for each foreign currency without a list. The
    company's list price is not divided.

    Raises SystemUnavailable for a list or currency that Tryton does not have exactly once, and as `TrytonSession.call`.
    """
    names, codes = price_list_names(session.config), currency_codes(session.config)
    foreign = [code for code in codes if code != session.currency]
    if not names and not foreign:
        return []
    lists = await _find_lists(http, session, names)
    base, *others = await _find_currencies(http, session, [session.currency, *foreign])
    divisions = [_division(None, each, base) for each in others]
    return divisions + [_division(prices, each, base) for prices in lists for each in (base, *others)]


async def _find_lists(http: HttpCaller, session: TrytonSession, names: Sequence[str]) -> list[_Row]:
    domain = [["name", "in", [*names]], ["company", "=", session.context["company"]]]
    rows = await _search(http, session, "product.price_list", domain, _LIST_FIELDS) if names else []
    found = [_only(rows, "name", name, reasons.PRICE_LISTS_CALLED) for name in names]
    if taxed := next((each["name"] for each in found if each.get("tax_included")), None):
        raise SystemUnavailable(reasons.TAXES_INCLUDED.write(name=taxed))
    return found


async def _find_currencies(http: HttpCaller, session: TrytonSession, codes: Sequence[str]) -> list[_Row]:
    rows = await _search(http, session, "currency.currency", [["code", "in", [*codes]]], ["code", "rate"])
    return [_only(rows, "code", code, reasons.CURRENCIES_CALLED) for code in codes]


async def _search(
    http: HttpCaller, session: TrytonSession, model: str, domain: list[Any], fields: list[str]
) -> list[_Row]:
    return await session.call(http, list[_Row], f"model.{model}.search_read", domain, 0, None, None, fields)


def _only(rows: Sequence[_Row], field: str, value: str, trouble: MessageType) -> _Row:
    found = [row for row in rows if row.get(field) == value]
    if len(found) != 1:
        raise SystemUnavailable(trouble.write(count=len(found), name=value[:60]))
    return found[0]


def _division(prices: _Row | None, currency: _Row, base: _Row) -> Division:
    parts, context = {"currency": currency["code"]}, {"currency": currency["id"], "quantity": _PIECES}
    if prices is not None:
        parts["price_list"] = prices["name"]
        context["price_list"] = prices["id"]
    basis = msgspec.json.encode([prices, currency, base], order="sorted").decode()
    return Division(dimension_in(**parts), (PRICE,), _PRICE_FIELDS, context, basis)
