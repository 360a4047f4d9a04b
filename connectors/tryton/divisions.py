"""Divided values: what Tryton computes per context, such as a warehouse's stock or the texts in a language.

Each division is one reading of the products of a page, under its own context.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from canonical.elements import DESCRIPTION, NAME, STOCK
from connectors.ports import HttpCaller, SystemUnavailable
from connectors.tryton.messages import Divided, Division, dimension_in
from connectors.tryton.price_lists import price_divisions
from connectors.tryton.refusals import read_products
from connectors.tryton.session import TrytonSession, Warehouse
from connectors.tryton.settings import is_set
from foundation.decoding import decode_json


class _Identified(msgspec.Struct, frozen=True):
    id: int


class _Language(msgspec.Struct, frozen=True):
    code: str


async def find_divisions(http: HttpCaller, session: TrytonSession) -> list[Division]:
    """The divisions that the connection's settings ask for, as Tryton is set up now. Raises as `TrytonSession.call`."""
    found: list[Division] = []
    if is_set(session.config, "stock_per_warehouse"):
        found += warehouse_divisions(session.warehouses)
    if is_set(session.config, "texts"):
        found += await _language_divisions(http, session)
    return found + await price_divisions(http, session)


def basis_of(divisions: Sequence[Division]) -> str:
    """Hash of everything that determines divided values besides the products; empty without divisions."""
    if not divisions:
        return ""
    return hashlib.sha256(msgspec.json.encode(divisions, order="sorted")).hexdigest()[:16]


def warehouse_divisions(warehouses: Sequence[Warehouse]) -> list[Division]:
    """Raises SystemUnavailable for warehouses that cannot be distinguished."""
    labels = [warehouse.code or warehouse.name for warehouse in warehouses]
    if shared := next((label for label in labels if labels.count(label) > 1), None):
        raise SystemUnavailable(f"Several warehouses in Tryton are called {shared[:60]}. Give each a code of its own.")
    return [
        Division(dimension_in(location=label), (STOCK,), ("quantity",), {"locations": [warehouse.storage_location]})
        for label, warehouse in zip(labels, warehouses, strict=True)
    ]


async def _language_divisions(http: HttpCaller, session: TrytonSession) -> list[Division]:
    languages = await session.call(
        http, list[_Language], "model.ir.lang.search_read",
        [["translatable", "=", True], ["active", "=", True]], 0, None, [["code", "ASC"]], ["code"],
    )  # fmt: skip
    return [
        Division(
            dimension_in(locale=code.replace("_", "-")), (NAME, DESCRIPTION), ("template.name", "description"),
            {"language": code},
        )
        for code in (language.code for language in languages)
    ]  # fmt: skip


async def read_divided(
    http: HttpCaller, session: TrytonSession, divisions: Sequence[Division], ids: Sequence[int]
) -> dict[int, list[Divided]]:
    """By product: one part per division, in their order. Raises as `read_products`."""
    found: dict[int, list[Divided]] = {product_id: [] for product_id in ids}
    for each in divisions:
        raws, refused = await read_products(http, session, ids, each.fields, each.context)
        read = {decode_json(raw, type=_Identified).id: raw for raw in raws}
        reasons = dict(refused)
        for product_id, parts in found.items():
            if product_id in read:
                parts.append(Divided(each.dimension, each.elements, read[product_id]))
            else:
                reason = reasons.get(product_id, "Tryton left it out of its answer.")
                parts.append(Divided(each.dimension, each.elements, refused=reason))
    return found
