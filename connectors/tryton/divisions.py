"""Divided values: what Tryton computes per context, such as a warehouse's stock or the texts in a language.

Each division is one reading of the products of a page, under its own context.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from canonical.dimensions import InvalidDimension, dimension
from canonical.elements import DESCRIPTION, NAME, STOCK
from connectors.ports import HttpCaller, PayloadInvalid, SystemUnavailable
from connectors.tryton import reasons
from connectors.tryton.messages import LEFT_OUT, Divided, Division, dimension_in
from connectors.tryton.price_lists import price_divisions
from connectors.tryton.refusals import read_products
from connectors.tryton.session import TrytonSession, Warehouse
from connectors.tryton.settings import is_set
from foundation.decoding import decode_json


class _Identified(msgspec.Struct, frozen=True):
    id: int


class _Language(msgspec.Struct, frozen=True):
    code: str


class _LanguagePayload(msgspec.Struct, frozen=True):
    language: msgspec.Raw


class Divisions(NamedTuple):
    """`unknown`: rows of languages without a valid language tag, as Tryton returned them; their texts are not read."""

    readable: list[Division]
    unknown: list[msgspec.Raw]


async def find_divisions(http: HttpCaller, session: TrytonSession) -> Divisions:
    """The divisions that the connection's settings select, as Tryton is configured now. Raises as
    `TrytonSession.call`.
    """
    found: list[Division] = []
    unknown: list[msgspec.Raw] = []
    if is_set(session.config, "stock_per_warehouse"):
        found += warehouse_divisions(session.warehouses)
    if is_set(session.config, "texts"):
        languages = await _language_divisions(http, session)
        found += languages.readable
        unknown += languages.unknown
    return Divisions(found + await price_divisions(http, session), unknown)


def basis_of(divisions: Sequence[Division]) -> str:
    """Hash of everything that determines divided values besides the products; empty without divisions."""
    if not divisions:
        return ""
    return hashlib.sha256(msgspec.json.encode(divisions, order="sorted")).hexdigest()[:16]


def warehouse_divisions(warehouses: Sequence[Warehouse]) -> list[Division]:
    """Raises SystemUnavailable for warehouses that cannot be distinguished."""
    labels = [warehouse.code or warehouse.name for warehouse in warehouses]
    if shared := next((label for label in labels if labels.count(label) > 1), None):
        raise SystemUnavailable(reasons.WAREHOUSES_ALIKE.write(name=shared[:60]))
    return [
        Division(dimension_in(location=label), (STOCK,), ("quantity",), {"locations": [warehouse.storage_location]})
        for label, warehouse in zip(labels, warehouses, strict=True)
    ]


async def _language_divisions(http: HttpCaller, session: TrytonSession) -> Divisions:
    rows = await session.call(
        http, list[msgspec.Raw], "model.ir.lang.search_read",
        [["translatable", "=", True], ["active", "=", True]], 0, None, [["code", "ASC"]], ["code"],
    )  # fmt: skip
    found = Divisions([], [])
    for row in rows:
        try:
            found.readable.append(_language_division(decode_json(row, type=_Language).code))
        except (msgspec.DecodeError, InvalidDimension):
            found.unknown.append(row)
    return found


def _language_division(code: str) -> Division:
    """Raises InvalidDimension."""
    locale = dimension(locale=code.replace("_", "-"))
    return Division(locale, (NAME, DESCRIPTION), ("template.name", "description"), {"language": code})


def unknown_language_payload(row: msgspec.Raw) -> tuple[str, bytes]:
    """Payload for a language without a usable code, identical in each poll, so that it is stored and reported once."""
    return f"language/{hashlib.sha256(row).hexdigest()[:16]}", b"".join((b'{"language":', row, b"}"))


def find_unknown_language(body: bytes) -> PayloadInvalid | None:
    """The reason why the texts of a language are not read; None for any other payload."""
    try:
        found = decode_json(body, type=_LanguagePayload)
    except msgspec.DecodeError:
        return None
    reported = bytes(found.language).decode(errors="replace")[:80]
    return PayloadInvalid(reasons.LANGUAGE_UNKNOWN.write(text=reported))


async def read_divided(
    http: HttpCaller, session: TrytonSession, divisions: Sequence[Division], ids: Sequence[int]
) -> dict[int, list[Divided]]:
    """Divided values by product id, one part per division in order. Raises as `read_products`."""
    found: dict[int, list[Divided]] = {product_id: [] for product_id in ids}
    for each in divisions:
        raws, refused = await read_products(http, session, ids, each.fields, each.context)
        read = {decode_json(raw, type=_Identified).id: raw for raw in raws}
        reported = dict(refused)
        for product_id, parts in found.items():
            if product_id in read:
                parts.append(Divided(each.dimension, each.elements, read[product_id]))
            else:
                parts.append(Divided(each.dimension, each.elements, refused=reported.get(product_id, LEFT_OUT)))
    return found
