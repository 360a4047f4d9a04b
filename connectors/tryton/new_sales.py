"""Content of a new sale: an order in Tryton's format, with Tryton's own defaults for the customer."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from canonical.orders import OrderLine, OrderValue
from connectors.messages import AND_OTHERS
from connectors.ports import HttpCaller
from connectors.tryton import reasons
from connectors.tryton.sales import EXACT_FLOATS, NoOrder, comment_of, mark_cancelled
from connectors.tryton.session import TrytonSession
from connectors.tryton.settings import customer_code, delivery_code, warehouse_code
from foundation.i18n.messages import MessageText

_PROPOSED: Final = (
    "invoice_address", "shipment_address", "payment_term", "invoice_method", "shipment_method", "price_list",
)  # fmt: skip
_NAMED_AT_MOST: Final = 5


class CannotBeHeld(Exception):
    """Tryton cannot represent this order, for `reason`."""

    def __init__(self, reason: MessageText) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSetUp(Exception):
    """Something that orders need is missing in the settings or in Tryton; with it, the same order succeeds."""

    def __init__(self, reason: MessageText) -> None:
        super().__init__(reason)
        self.reason = reason


class _Identified(msgspec.Struct, frozen=True):
    id: int


class _Product(msgspec.Struct, frozen=True):
    id: int
    code: str
    sale_uom: int | None


async def sale_values(http: HttpCaller, session: TrytonSession, reference: str, order: OrderValue) -> dict[str, Any]:
    """Raises CannotBeHeld, NotSetUp, and as `TrytonSession.call`."""
    try:
        comment = comment_of(order)
    except NoOrder as problem:
        raise CannotBeHeld(problem.reason) from problem
    lines = _with_delivery(order, delivery_code(session.config))
    head = await _head(http, session, order)
    products = await _find_products(http, session, sorted({line.sku for line in lines}))
    taxes = {code: await _find_taxes(http, session, head, product) for code, product in products.items()}
    values = await _with_proposals(http, session, head) | {"reference": reference, "comment": comment}
    values["lines"] = [["create", [_line(line, products[line.sku], taxes[line.sku]) for line in lines]]]
    return values


async def cancelled_sale_values(
    http: HttpCaller, session: TrytonSession, reference: str, order: OrderValue
) -> dict[str, Any]:
    """A sale without lines. Raises as `sale_values`."""
    values = await _with_proposals(http, session, await _head(http, session, order))
    return values | {"reference": reference, "comment": mark_cancelled(None)}


async def _head(http: HttpCaller, session: TrytonSession, order: OrderValue) -> dict[str, Any]:
    return {
        "company": session.context["company"],
        "party": await _find_customer(http, session),
        "currency": await _find_currency(http, session, order),
        "warehouse": _find_warehouse(session),
    }


async def _with_proposals(http: HttpCaller, session: TrytonSession, head: dict[str, Any]) -> dict[str, Any]:
    proposed = await session.call(http, dict[str, Any], "model.sale.sale.on_change", head | {"lines": []}, ["party"])
    return head | {name: proposed[name] for name in _PROPOSED if proposed.get(name) is not None}


def _with_delivery(order: OrderValue, delivery: str) -> Sequence[OrderLine]:
    if delivery and any(line.sku == delivery for line in order.lines):
        raise CannotBeHeld(reasons.DELIVERY_ORDERED.write(code=delivery))
    if order.shipping == "0":
        return order.lines
    if not delivery:
        raise NotSetUp(reasons.NO_DELIVERY_CODE.write())
    return (*order.lines, OrderLine(delivery, "1", order.shipping))


def _line(line: OrderLine, product: _Product, taxes: list[int]) -> dict[str, Any]:
    return {
        "type": "line",
        "product": product.id,
        "unit": product.sale_uom,
        "quantity": _float(line.quantity),
        "unit_price": {"__class__": "Decimal", "decimal": line.unit_price},
        "taxes": [["add", taxes]],
    }


def _float(text: str) -> float:
    """The number in Tryton's form: quantities are floats there."""
    number = float(text)
    if abs(number) > EXACT_FLOATS or Decimal(repr(number)) != Decimal(text):
        raise CannotBeHeld(reasons.QUANTITY_INEXACT.write(number=text))
    return number


async def _find_customer(http: HttpCaller, session: TrytonSession) -> int:
    code = customer_code(session.config)
    if not code:
        raise NotSetUp(reasons.NO_CUSTOMER_CODE.write())
    found = await _search(http, session, "party.party", [["code", "=", code]])
    if not found:
        raise NotSetUp(reasons.NO_PARTY.write(code=code))
    return found[0].id


def _find_warehouse(session: TrytonSession) -> int:
    code, known = warehouse_code(session.config), session.warehouses
    found = [each for each in known if code in (each.code, each.name)] if code else known
    if len(found) == 1:
        return found[0].id
    if code:
        raise NotSetUp(reasons.WAREHOUSES_CALLED.write(count=len(found), name=code))
    raise NotSetUp(reasons.SEVERAL_WAREHOUSES.write(count=len(known)))


async def _find_currency(http: HttpCaller, session: TrytonSession, order: OrderValue) -> int:
    found = await _search(http, session, "currency.currency", [["code", "=", order.currency]])
    if not found:
        raise CannotBeHeld(reasons.NO_CURRENCY.write(currency=order.currency))
    return found[0].id


async def _search(http: HttpCaller, session: TrytonSession, model: str, domain: list[Any]) -> list[_Identified]:
    return await session.call(http, list[_Identified], f"model.{model}.search_read", domain, 0, 1, None, ["id"])


async def _find_products(http: HttpCaller, session: TrytonSession, codes: list[str]) -> dict[str, _Product]:
    """Products by code, which is unique among Tryton's active products."""
    rows = await session.call(
        http, list[_Product], "model.product.product.search_read",
        [["code", "in", codes]], 0, None, None, ["code", "sale_uom"],
    )  # fmt: skip
    found = {row.code: row for row in rows}
    if missing := [code for code in codes if code not in found]:
        named: object = missing
        if len(missing) > _NAMED_AT_MOST:
            named = AND_OTHERS.write(named=missing[:_NAMED_AT_MOST])
        raise CannotBeHeld(reasons.UNKNOWN_CODES.write(named=named))
    return found


async def _find_taxes(http: HttpCaller, session: TrytonSession, head: dict[str, Any], product: _Product) -> list[int]:
    """Taxes as Tryton's own rules propose them for this product and customer."""
    values = {"type": "line", "product": product.id, "unit": product.sale_uom, "quantity": 1, "sale": head, "taxes": []}
    proposed = await session.call(http, dict[str, Any], "model.sale.line.on_change", values, ["product"])
    return [added["id"] for _, added in (proposed.get("taxes") or {}).get("add", ())]
