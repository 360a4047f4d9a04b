"""The catalogue of channels: one row per product and channel, put together from the values last read there."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.amounts import EXACT
from canonical.elements import NAME, PRICE, SALE_PRICE, STOCK
from canonical.keys import PRODUCT
from canonical.values import (
    EnumerationValue,
    HiddenValue,
    MoneyValue,
    QuantityValue,
    TextValue,
    Value,
    quantity,
    read_value,
)
from connectors.relations import CONNECTIONS
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.partner_channel.queries import SHOWN, is_own, scope_binds
from governance.partner_channel.schemas import ChannelProduct, ListingState
from governance.propagation.states import MOVING, RUNNING, PropagationState
from governance.records.titles import TITLE_OF, search_binds, searched_row
from policy.redaction import HIDDEN, is_hidden

_STATUS: Final = "product.status"
_AVAILABLE: Final = "stock.available"
_ELEMENTS: Final = [NAME, PRICE, SALE_PRICE, STOCK, _AVAILABLE, _STATUS]
_MOST_VALUES: Final = 200
"""Most values of a product that are read for its row."""
_TITLE: Final = TITLE_OF.format(tenant="n.tenant_id", key="v.record_key")
_VALUES: Final = """(SELECT jsonb_agg(jsonb_build_array(e.element, e.dimension, e.value, e.seen_at))
    FROM (SELECT e.element, e.dimension, e.value, e.seen_at FROM channel_value e
           WHERE e.tenant_id = n.tenant_id AND e.connection_id = n.id AND {own} AND e.record_key = v.record_key
             AND e.record_type = :product AND e.element = ANY (:elements)
           ORDER BY e.element, e.dimension LIMIT :most) e)"""
_RUNNING: Final = f"""ARRAY(SELECT DISTINCT p.state FROM propagation p
    WHERE p.tenant_id = n.tenant_id AND p.connection_id = n.id AND {{own}} AND p.record_key = v.record_key
      AND p.record_type = :product AND p.{RUNNING})"""


class ListedValue(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One value on a channel; `value` is its document."""

    element: str
    dimension: str
    value: dict[str, Any]
    seen_at: datetime


async def list_products(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ChannelProduct]:
    """One page of `partner_channel.lists`. Each channel's next products are read from its own index."""
    own, searched, channel = is_own(session), query["search"].strip(), query["channel"].strip()
    wanted = f"AND {searched_row('v')}" if searched else ""

    def source(keyset: Keyset) -> ListSource:
        turn = "DESC" if "DESC" in keyset.order else "ASC"
        beyond = f"AND v.record_key {'<=' if turn == 'DESC' else '>='} CAST(:page_0 AS varchar)" if keyset.binds else ""
        return ListSource(
            columns=f"""n.id, n.name, v.record_key, {_TITLE} AS title, {_VALUES.format(own=own.format("e"))} AS shown,
                        {_RUNNING.format(own=own.format("p"))} AS running""",
            tables=f"""{CONNECTIONS} n
                  CROSS JOIN LATERAL (
                    SELECT DISTINCT v.record_key FROM channel_value v
                     WHERE v.tenant_id = n.tenant_id AND v.connection_id = n.id AND {own.format("v")}
                       AND v.record_type = :product AND v.element = ANY (:elements) {beyond}
                       AND {keyset.condition} {wanted}
                     ORDER BY v.record_key {turn} LIMIT :page_rows) v""",
            where=f"{SHOWN.format(own=own.format('n'))} AND (:channel = '' OR CAST(n.id AS varchar) = :channel)",
            binds=scope_binds(session)
            | {"channel": channel, "product": PRODUCT, "elements": _ELEMENTS, "most": _MOST_VALUES}
            | (search_binds(searched) if searched else {}),
        )

    return (await read_page(session, source, query)).map(_to_product)


def _to_product(row: Any) -> ChannelProduct:
    return put_together(
        connection_id=row.id,
        channel=row.name,
        record_key=row.record_key,
        title=row.title,
        shown=msgspec.convert(row.shown, list[ListedValue]),
        running=row.running,
    )


def put_together(  # noqa: PLR0913 - the columns of a row
    *,
    connection_id: UUID,
    channel: str,
    record_key: str,
    title: str,
    shown: Sequence[ListedValue],
    running: Sequence[str],
) -> ChannelProduct:
    """Build a product from its values on a channel, in the order of elements and dimensions. `running`: the states of
    its running deliveries there.
    """
    found: dict[str, list[Value]] = {element: [] for element in _ELEMENTS}
    for one in shown:
        found[one.element].append(HIDDEN if is_hidden(one.element) else read_value(one.value))
    name, status = next(iter(found[NAME]), None), next(iter(found[_STATUS]), None)
    return ChannelProduct(
        connection_id=connection_id,
        channel=channel,
        record_key=record_key,
        name=name.text if isinstance(name, TextValue) else title,
        price=_first_price(found[PRICE]),
        prices=len(found[PRICE]),
        sale_price=_first_price(found[SALE_PRICE]),
        stock=_sum(found[STOCK] or found[_AVAILABLE]),
        status=status.code if isinstance(status, EnumerationValue) else "",
        state=_state(running),
        seen_at=max(one.seen_at for one in shown),
    )


def _first_price(values: Sequence[Value]) -> MoneyValue | HiddenValue | None:
    return next((one for one in values if isinstance(one, MoneyValue | HiddenValue)), None)


def _sum(values: Sequence[Value]) -> QuantityValue | HiddenValue | None:
    hidden = next((one for one in values if isinstance(one, HiddenValue)), None)
    counted = [one for one in values if isinstance(one, QuantityValue)]
    if hidden is not None or len({one.unit for one in counted}) != 1:
        return hidden
    total = Decimal(0)
    for one in counted:
        total = EXACT.add(total, one.number)
    return quantity(total, counted[0].unit)


def _state(running: Sequence[str]) -> ListingState:
    if any(one in {PropagationState.REFUSED, PropagationState.FAILED} for one in running):
        return ListingState.NOT_ACCEPTED
    held = {*MOVING, PropagationState.STALE_APPROVAL}
    return ListingState.PUBLISHING if any(one in held for one in running) else ListingState.CURRENT
