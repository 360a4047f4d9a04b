"""Products that Tryton refuses to read, such as one whose price cannot be computed: reported one by one."""

import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from canonical.elements import COST, PRICE, STOCK
from connectors.batches import halves
from connectors.ports import HttpCaller, PayloadInvalid, Unreadable
from connectors.tryton.messages import PRODUCT_FIELDS, snapshot_bytes
from connectors.tryton.session import Refused, TrytonSession
from foundation.decoding import decode_json

_MOST_REFUSED: Final = 20
"""Limit of refused requests while a page's products are read."""
_READ: Final = "model.product.product.read"


class _Coded(msgspec.Struct, frozen=True):
    code: str


class _RefusedProduct(msgspec.Struct, frozen=True):
    class Named(msgspec.Struct, frozen=True):
        id: int
        refused: str
        code: str = ""

    product: Named


async def read_products(
    http: HttpCaller, session: TrytonSession, ids: Sequence[int]
) -> tuple[list[msgspec.Raw], list[tuple[int, str]]]:
    """Readable products, and refused ones with Tryton's reasons: one of them must not block its neighbours.

    Raises the call's error when Tryton refuses all of several.
    """
    raws: list[msgspec.Raw] = []
    refused: list[tuple[int, str]] = []
    queue, left = deque([ids] if ids else []), _MOST_REFUSED
    while queue:
        part = queue.popleft()
        try:
            raws += await session.call(http, list[msgspec.Raw], _READ, list(part), PRODUCT_FIELDS)
        except Refused as problem:
            left -= 1
            if left < 0 or (len(part) == 1 < len(ids) and not raws and not queue):
                raise
            if len(part) == 1:
                refused.append((part[0], str(problem)))
            else:
                queue.extend(halves(part))
    return raws, refused


async def refused_payload(
    http: HttpCaller, session: TrytonSession, now: datetime, product_id: int, reason: str
) -> tuple[str, bytes]:
    """Payload for a refused product, with the product's code where Tryton can still read it, for members to identify
    the product.
    """
    try:
        [coded] = await session.call(http, list[_Coded], _READ, [product_id], ["code"])
        code = coded.code
    except (Refused, PayloadInvalid, ValueError):
        code = ""
    named = msgspec.Raw(msgspec.json.encode(_RefusedProduct.Named(product_id, reason, code)))
    digest = hashlib.sha256(reason.encode()).hexdigest()[:16]
    return f"product/{product_id}/refused/{digest}", snapshot_bytes(session.currency, now, named, None)


def find_refusal(body: bytes) -> PayloadInvalid | None:
    """Tryton's reason for an unreadable product; None for any other payload."""
    try:
        product = decode_json(body, type=_RefusedProduct).product
    except msgspec.DecodeError:
        return None
    unreadable = [Unreadable(product.code, element, product.refused) for element in (PRICE, COST, STOCK)]
    detail = f"Tryton cannot read its product {product.code or product.id}. {product.refused}"
    return PayloadInvalid(detail, unreadable=unreadable if product.code else ())
