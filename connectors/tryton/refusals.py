"""Products that Tryton refuses to read, such as one whose price cannot be computed: reported one by one."""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from canonical.dimensions import UNDIVIDED
from canonical.elements import COST, PRICE, STOCK
from connectors.batches import halves
from connectors.messages import SYSTEM_TEXT
from connectors.ports import HttpCaller, PayloadInvalid, Unreadable
from connectors.tryton import reasons
from connectors.tryton.messages import PRODUCT_FIELDS, Divided, Division, snapshot_bytes
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
    divided: list[Divided] = []


async def read_products(
    http: HttpCaller,
    session: TrytonSession,
    ids: Sequence[int],
    fields: Sequence[str] = PRODUCT_FIELDS,
    context: Mapping[str, Any] | None = None,
) -> tuple[list[msgspec.Raw], list[tuple[int, str]]]:
    """Readable products, and refused ones with Tryton's reasons: one of them must not block the others.

    Raises the call's error when Tryton refuses all of several.
    """
    raws: list[msgspec.Raw] = []
    refused: list[tuple[int, str]] = []
    queue, left = deque([ids] if ids else []), _MOST_REFUSED
    while queue:
        part = queue.popleft()
        try:
            raws += await session.call(http, list[msgspec.Raw], _READ, list(part), fields, context=context)
        except Refused as problem:
            left -= 1
            if left < 0 or (len(part) == 1 < len(ids) and not raws and not queue):
                raise
            if len(part) == 1:
                refused.append((part[0], problem.text))
            else:
                queue.extend(halves(part))
    return raws, refused


async def refused_payload(
    http: HttpCaller, session: TrytonSession, now: datetime, refused: tuple[int, str], divisions: Sequence[Division]
) -> tuple[str, bytes]:
    """Payload for a refused product, with the product's code where Tryton can still read it, for members to identify
    the product.
    """
    product_id, reason = refused
    try:
        [coded] = await session.call(http, list[_Coded], _READ, [product_id], ["code"])
        code = coded.code
    except (Refused, PayloadInvalid, ValueError):
        code = ""
    named = msgspec.Raw(msgspec.json.encode(_RefusedProduct.Named(product_id, reason, code)))
    digest = hashlib.sha256("\0".join((reason, *(each.dimension for each in divisions))).encode()).hexdigest()[:16]
    divided = [Divided(each.dimension, each.elements, refused=reason) for each in divisions]
    body = snapshot_bytes(session.currency, now, named, None, divided)
    return f"product/{product_id}/refused/{digest}", body


def find_refusal(body: bytes) -> PayloadInvalid | None:
    """Tryton's reason for an unreadable product; None for any other payload."""
    try:
        found = decode_json(body, type=_RefusedProduct)
    except msgspec.DecodeError:
        return None
    product = found.product
    divided = [(element, part.dimension) for part in found.divided for element in part.elements]
    stock = () if any(element == STOCK for element, _ in divided) else ((STOCK, UNDIVIDED),)
    keys = [(PRICE, UNDIVIDED), (COST, UNDIVIDED), *stock, *divided]
    answer = SYSTEM_TEXT.write(system="Tryton", text=product.refused)
    unreadable = [Unreadable(product.code, element, answer, dimension) for element, dimension in keys]
    reason = reasons.PRODUCT_UNREADABLE.write(product=product.code or str(product.id), reason=answer)
    return PayloadInvalid(reason, unreadable=unreadable if product.code else ())
