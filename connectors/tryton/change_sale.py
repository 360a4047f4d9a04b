"""Changes of existing sales: an order's new content, as long as nothing was sent for it, and cancellation.

Tryton's workflow decides what is possible: a sale can return to a draft until it is processed. Its buttons ignore sales
in other states, so the state is read again afterwards.
"""

from typing import Any, Final

import msgspec

from canonical.keys import ElementKey
from canonical.orders import OrderValue
from connectors.ports import HttpCaller, WriteResult, WriteState
from connectors.tryton import reasons
from connectors.tryton.new_sales import CannotBeHeld, cancelled_sale_values, sale_values
from connectors.tryton.sales import (
    PENDING,
    Sale,
    SaleState,
    comment_with_buyer,
    decode_sale,
    find_sales,
    has_buyer,
    is_cancelled_by_shop,
    mark_cancelled,
)
from connectors.tryton.session import TrytonSession

CHANGEABLE: Final = PENDING | {SaleState.CONFIRMED}
"""States from which Tryton lets a sale become a draft again, besides a cancelled one's."""


async def amend_sale(http: HttpCaller, session: TrytonSession, sale: Sale, order: OrderValue) -> Sale:
    """The draft sale with the order's content. Lines without products, and text that people added to the comment, stay.

    Raises CannotBeHeld: the sale is not of a shop's order, or Tryton no longer lets it be changed. NotSetUp, and as
    `TrytonSession.call`.
    """
    if is_cancelled_by_shop(sale):
        raise CannotBeHeld(reasons.SALE_CANCELLED.write())
    if not has_buyer(sale):
        raise CannotBeHeld(reasons.OTHER_CONTENT.write())
    if sale.state not in CHANGEABLE:
        raise CannotBeHeld(reasons.SALE_FIXED.write(state=sale.state))
    new = await sale_values(http, session, sale.reference, order)
    draft = await _to_draft(http, session, sale)
    if draft.state != SaleState.DRAFT:
        raise CannotBeHeld(reasons.SALE_FIXED.write(state=draft.state))
    gone = [line.id for line in draft.lines if line.type == "line"]
    values = {
        "currency": new["currency"],
        "comment": comment_with_buyer(draft, order),
        "lines": [["delete", gone], *new["lines"]],
    }
    await session.call(http, Any, "model.sale.sale.write", [draft.id], values)
    return await _reload(http, session, draft)


async def cancel_sale(
    http: HttpCaller, session: TrytonSession, key: ElementKey, found: list[msgspec.Raw], order: OrderValue
) -> WriteResult:
    """Cancel the sale of an order that the shop cancelled. An order that Tryton never received becomes a cancelled sale
    without lines, so that its cancellation can be read back and the order is not created later.

    Raises CannotBeHeld, NotSetUp, and as `TrytonSession.call`.
    """
    if not found:
        values = await cancelled_sale_values(http, session, key.record_key, order)
        await session.call(http, list[int], "model.sale.sale.create", [values])
        found = (await find_sales(http, session, [key.record_key]))[key.record_key]
        if len(found) != 1:
            raise CannotBeHeld(reasons.SEVERAL_SALES.write(count=len(found)) if found else reasons.SALE_LOST.write())
    sale = decode_sale(found[0], Sale)
    if sale.state != SaleState.CANCELLED:
        if sale.state not in CHANGEABLE:
            raise CannotBeHeld(reasons.CANCELLED_TOO_LATE.write(state=sale.state))
        if sale.state not in PENDING:
            sale = await _to_draft(http, session, sale)
        await session.call(http, Any, "model.sale.sale.cancel", [sale.id])
        sale = await _reload(http, session, sale)
        if sale.state != SaleState.CANCELLED:
            raise CannotBeHeld(reasons.CANCELLED_TOO_LATE.write(state=sale.state))
    if not is_cancelled_by_shop(sale):
        await session.call(http, Any, "model.sale.sale.write", [sale.id], {"comment": mark_cancelled(sale.comment)})
    return WriteResult(key, WriteState.ACCEPTED)


async def _to_draft(http: HttpCaller, session: TrytonSession, sale: Sale) -> Sale:
    if sale.state == SaleState.DRAFT:
        return sale
    await session.call(http, Any, "model.sale.sale.draft", [sale.id])
    return await _reload(http, session, sale)


async def _reload(http: HttpCaller, session: TrytonSession, sale: Sale) -> Sale:
    found = (await find_sales(http, session, [sale.reference]))[sale.reference]
    if len(found) != 1:
        raise CannotBeHeld(reasons.SEVERAL_SALES.write(count=len(found)))
    return decode_sale(found[0], Sale)
