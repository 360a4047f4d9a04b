"""Queries of orders: the newest first, by an index of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ORDER_DOCUMENT, ORDER_STATUS
from canonical.orders import ORDER, OrderValue
from canonical.values import HiddenValue, MoneyValue, money
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.web.lists import check_exact
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.orders.schemas import OrderDetail, OrderItem
from governance.orders.states import FulfilmentState
from governance.records.models import IS_ORDER
from governance.records.titles import fold_in_sql, search_binds
from policy.redaction import HIDDEN, is_hidden

SEARCHED_ORDERS: Final = 20_000
"""Most orders that a filtered list scans, newest first, to bound each search."""
_STATE: Final = f"""CASE WHEN v.content ->> 'status' = 'cancelled' THEN '{FulfilmentState.CANCELLED}'
    ELSE coalesce(CASE WHEN CAST(:sees_status AS boolean) THEN s.value ->> 'code' END,
                  CASE WHEN v.is_released THEN '{FulfilmentState.RELEASED}' ELSE '{FulfilmentState.HELD}' END) END"""
_COLUMNS: Final = f"""v.record_key, v.content, {_STATE} AS state, v.source_connection_id, n.name AS channel,
    v.received_at, greatest(v.adopted_at, s.adopted_at) AS changed_at, v.change_id"""
_ORDERS: Final = f"""(SELECT v.record_key, v.received_at, v.adopted_at, v.change_id, v.source_connection_id,
             coalesce(v.value, v.source_value) AS content, v.value IS NOT NULL AS is_released
        FROM record_value v WHERE v.tenant_id = :t AND v.{{among}}) v
    LEFT JOIN record_value s ON s.tenant_id = :t AND s.record_key = v.record_key AND s.element = '{ORDER_STATUS}'
                            AND s.dimension = '' AND s.record_type = '{ORDER}'
    LEFT JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = v.source_connection_id"""


async def list_orders(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[OrderItem]:
    """One page of `orders.lists`."""
    fits, binds = _wanted(query)

    def source(keyset: Keyset) -> ListSource:
        among = f"{IS_ORDER} AND {keyset.condition} ORDER BY {keyset.order} LIMIT :looked"
        return ListSource(
            columns=_COLUMNS,
            tables=_ORDERS.format(among=among),
            where=fits,
            binds={**_shared(session), "looked": SEARCHED_ORDERS, **binds},
        )

    return (await read_page(session, source, query)).map(_to_item)


async def read_order(session: AsyncSession, number: str) -> OrderDetail:
    """The order with this number. Raises InvalidInput for a text that cannot be stored, NotFound."""
    found = await session.execute(
        text(f"SELECT {_COLUMNS} FROM {_ORDERS.format(among=f'{IS_ORDER} AND v.record_key = :number')}"),
        {**_shared(session), "number": check_exact(number, "number")},
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return OrderDetail(_to_item(row), _content(row))


async def list_order_channels(session: AsyncSession) -> Sequence[tuple[str, str]]:
    """Id and name of each connection that is a source of orders, by name."""
    rows = await session.execute(
        text(f"""
            SELECT CAST(n.id AS varchar) AS id, n.name FROM {CONNECTIONS} n
             WHERE n.tenant_id = :t AND n.state <> 'deleted'
               AND EXISTS (SELECT FROM element_contract k WHERE k.tenant_id = n.tenant_id AND k.element = :element
                              AND k.source_connection_id = n.id)
             ORDER BY n.name, n.id
        """),
        {"t": scope_of(session).tenant_id, "element": ORDER_DOCUMENT},
    )
    return [(row.id, row.name) for row in rows]


def _shared(session: AsyncSession) -> dict[str, object]:
    return {"t": scope_of(session).tenant_id, "sees_status": not is_hidden(ORDER_STATUS)}


def _wanted(query: ListQuery) -> tuple[str, dict[str, object]]:
    """SQL of the filter and its binds; unused filters are left out for the query planner."""
    fits, binds = ["true"], dict[str, object]()
    if state := query["status"]:
        fits.append(f"{_STATE} = :state")
        binds["state"] = state
    if channel := query["channel"].strip():
        fits.append("CAST(v.source_connection_id AS varchar) = :channel")
        binds["channel"] = channel
    if currency := query["currency"].strip().upper():
        fits.append("v.content ->> 'currency' = :currency")
        binds["currency"] = currency
    if searched := query["search"].strip():
        among = ["v.record_key", "v.content ->> 'customer'", "v.content ->> 'email'"]
        folded = map(fold_in_sql, among[:1] if is_hidden(ORDER_DOCUMENT) else among)
        fits.append("(" + " OR ".join(f"{one} LIKE :pattern" for one in folded) + ")")
        binds |= search_binds(searched)
    return " AND ".join(fits), binds


def _content(row: Any) -> OrderValue | HiddenValue:
    return HIDDEN if is_hidden(ORDER_DOCUMENT) else msgspec.convert(row.content, OrderValue)


def _to_item(row: Any) -> OrderItem:
    content, customer, lines = _content(row), "", 0
    total: MoneyValue | HiddenValue | None
    if isinstance(content, HiddenValue):
        total = content
    else:
        customer, lines = content.customer, len(content.lines)
        total = None if content.is_cancelled else money(content.total, content.currency)
    return OrderItem(
        number=row.record_key,
        customer=customer,
        state=row.state,
        total=total,
        lines=lines,
        connection_id=row.source_connection_id,
        channel=row.channel or "",
        received_at=row.received_at,
        changed_at=row.changed_at,
        change_id=row.change_id,
    )
