"""Plain pages of the sandbox systems: the shopper's view, and the ERP operator's price list."""

from collections.abc import Iterable
from html import escape

import msgspec

from canonical.elements import COST, PRICE, STOCK
from canonical.money import Money, minor_exponent
from foundation.text import mark_key

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;"
    "border-bottom:1px solid #d7dce3}"
    "input{width:7rem;font:inherit}form{display:inline}"
)


class ShopRow(msgspec.Struct, frozen=True):
    sku: str
    title: str
    price: int | None
    stock: int | None


class ErpRow(msgspec.Struct, frozen=True):
    sku: str
    title: str
    price: int
    cost: int
    stock: int


def shop_page(heading: str, currency: str, rows: Iterable[ShopRow]) -> str:
    lines = [
        f'<tr data-sku="{escape(row.sku)}"><td>{_shown(row.sku)}</td><td>{_shown(row.title)}</td>'
        f'<td data-field="price">{"" if row.price is None else escape(str(Money(row.price, currency)))}</td>'
        f'<td data-field="stock">{"" if row.stock is None else row.stock}</td></tr>'
        for row in rows
    ]
    return _page(heading, "<tr><th>SKU</th><th>Product</th><th>Price</th><th>In stock</th></tr>", lines)


def erp_page(rows: Iterable[ErpRow], currency: str, token: str) -> str:
    """The ERP's price list. With the operator's token each value is a small form; otherwise the list is read-only."""
    digits = minor_exponent(currency)

    def cell(row: ErpRow, element: str, amount: int) -> str:
        is_money = element != STOCK
        shown = f"{Money(amount, currency).to_decimal():.{digits}f}" if is_money else str(amount)
        if not token:
            return f'<td data-field="{element}">{shown}</td>'
        mode = "decimal" if is_money else "numeric"
        label = f"{element} of {escape(mark_key(row.sku))}" + (f" in {escape(currency)}" if is_money else "")
        return (
            f'<td data-field="{element}"><form method="post"><input type="hidden" name="token" value="{escape(token)}">'
            f'<input type="hidden" name="sku" value="{escape(row.sku)}">'
            f'<input type="hidden" name="element" value="{element}">'
            f'<input name="amount" inputmode="{mode}" value="{shown}" aria-label="{label}">'
            "<button>Save</button></form></td>"
        )

    lines = [
        f'<tr data-sku="{escape(row.sku)}"><td>{_shown(row.sku)}</td><td>{_shown(row.title)}</td>'
        f"{cell(row, PRICE, row.price)}{cell(row, COST, row.cost)}{cell(row, STOCK, row.stock)}</tr>"
        for row in rows
    ]
    unit = escape(currency)
    head = f"<tr><th>SKU</th><th>Product</th><th>Price, {unit}</th><th>Cost, {unit}</th><th>On hand</th></tr>"
    return _page("ERP price list", head, lines)


def _shown(text: str) -> str:
    """Text as on the product's own pages: invisible characters are shown, and text direction is isolated."""
    return f"<bdi>{escape(mark_key(text))}</bdi>" if not text.isascii() else escape(mark_key(text))


def _page(heading: str, head: str, lines: list[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(heading)}</title>'
        f"<style>{_STYLE}</style></head>"
        f"<body><h1>{escape(heading)}</h1><table><thead>{head}</thead>"
        f"<tbody>{''.join(lines)}</tbody></table></body></html>"
    )
