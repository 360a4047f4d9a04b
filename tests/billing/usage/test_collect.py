"""Usage derived from stored rows: entered from the start of a price on, each row once."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.documents.formats import DocumentFormat
from billing.documents.meters import DOCUMENTS_MADE
from billing.documents.store import store_documents
from billing.jobs import RECENT
from billing.rating.collect import collect_priced
from billing.sides import Side
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.usage.ledger import collect_usage
from foundation.usage.meters import Meter
from governance.changes.meters import DECIDED_CHANGES, ORDERS
from governance.connections.meters import ACTIVE_CONNECTIONS
from governance.exception_types import ExceptionType
from governance.exceptions.meters import HANDLED_EXCEPTIONS
from governance.propagation.meters import ACTIVE_RECORDS
from governance.retention.meters import STORAGE
from tenants.api_usage.meters import API_CALLS
from tenants.members.meters import ACTIVE_MEMBERS
from tests.billing.conftest import Market
from tests.governance.pages.samples import Sample
from tests.support.client_env import ClientEnv

COLLECTED = (
    DECIDED_CHANGES, ORDERS, ACTIVE_CONNECTIONS, HANDLED_EXCEPTIONS, ACTIVE_RECORDS, ACTIVE_MEMBERS, API_CALLS, STORAGE,
    DOCUMENTS_MADE,
)  # fmt: skip


def test_every_collected_meter_is_registered() -> None:
    known = ROOMS.meters
    assert [known.get(one.name) for one in COLLECTED] == list(COLLECTED)


async def ledger(env: ClientEnv) -> dict[str, int]:
    async with env.services.db.transaction(env.scope) as session:
        rows = await session.execute(text("SELECT meter, count(*) AS events FROM usage_event GROUP BY meter"))
        return {row.meter: row.events for row in rows}


async def test_rows_are_entered_once_priced_and_described(env: ClientEnv, other_env: ClientEnv) -> None:
    now = utc_now()
    sample = Sample(env.services.db, env.scope, now)
    sample.source, sample.channels = env.erp, env.channels
    sample.partners = dict.fromkeys(env.channels.values())
    channel = next(iter(env.channels))
    for name in ("SKU-1", "SKU-2", "SKU-1"):
        await sample.change(name, 1000, 1040, states={channel: "verified"}, currency="USD", is_current=name != "SKU-1")
    await sample.exception(ExceptionType.CHANGE_REFUSED, "SKU-1", exposure=0, at=300, record="SKU-1")
    market = Market(env.services.db, env.msp_account, env.scope, now=now - timedelta(days=40))
    await market.open_book(Side.RETAIL, "USD", own=True)

    async def collect(back: timedelta, of: ClientEnv = env) -> dict[str, int]:
        async with of.services.db.transaction(of.scope) as session:
            await collect_priced(session, ROOMS.meters, since=now - back, now=now + timedelta(minutes=1))
        return await ledger(of)

    assert await collect(RECENT) == {}, "nothing has a price"
    for meter in COLLECTED:
        await market.price(Side.RETAIL, "0.10", at=market.now, meter=meter.name, own=True)
    found = await collect(RECENT)
    assert found == {
        DECIDED_CHANGES.name: 3, ACTIVE_CONNECTIONS.name: 1 + len(env.channels), ACTIVE_RECORDS.name: 2,
    }, found  # fmt: skip
    assert await collect(timedelta(days=3000)) == found, "the same usage again"
    assert await collect(RECENT, other_env) == {}, "another MSP's client has no price"
    async with env.services.db.transaction(env.scope) as session:
        for meter in (DECIDED_CHANGES, ACTIVE_CONNECTIONS, ACTIVE_RECORDS):
            ids = (await session.scalars(text("SELECT id FROM usage_event WHERE meter = :m"), {"m": meter.name})).all()
            described: Any = await meter.describe(session, env.scope.tenant_id, ids)
            assert set(described) == set(ids)
            assert all(one.subject and one.path for one in described.values())


async def test_storage_is_measured_once_a_day_and_documents_count_each(market: Market) -> None:
    """Another client's documents count for that client only; a day's measurement is not repeated."""
    neighbour, invoice_id, now = market.another_client(), new_id(), market.now + timedelta(hours=30)
    month = {"since": market.now, "rows_since": market.now}

    async def found(of: Market, meter: Meter, until: datetime) -> list[tuple[Decimal, UUID | None]]:
        async with of.as_client() as session:
            await collect_usage(session, meter, until=until, **month)
            rows = await session.execute(
                text("SELECT quantity, subject_id FROM usage_event WHERE meter = :m ORDER BY occurred_at, id"),
                {"m": meter.name},
            )
            return [(row.quantity, row.subject_id) for row in rows]

    made = {DocumentFormat.PDF: bytes(1500), DocumentFormat.CII: bytes(500)}
    for of, files in ((market, made), (neighbour, {DocumentFormat.PDF: bytes(7)})):
        async with of.as_client() as session:
            await store_documents(session, invoice_id, Side.RETAIL, files, now=now)
    held = [(Decimal("0.000002"), None)]
    assert await found(market, STORAGE, now) == held
    async with market.as_client() as session:
        await store_documents(session, new_id(), Side.RETAIL, made, now=now)
    assert await found(market, STORAGE, now) == held, "measured before"
    assert await found(market, STORAGE, now + timedelta(days=1)) == [*held, (Decimal("0.000004"), None)]
    assert await found(neighbour, STORAGE, now) == [(Decimal("0.000000007"), None)]
    assert len(await found(market, DOCUMENTS_MADE, now + timedelta(hours=1))) == 4
    assert await found(neighbour, DOCUMENTS_MADE, now + timedelta(hours=1)) == [(Decimal(1), invoice_id)]


@pytest.mark.parametrize("days", [1, -1], ids=["begins tomorrow", "ended before"])
async def test_usage_before_the_price_is_not_entered(env: ClientEnv, days: int) -> None:
    now = utc_now()
    market = Market(env.services.db, env.msp_account, env.scope, now=now - timedelta(days=1))
    await market.open_book(Side.RETAIL, "USD", own=True)
    await market.price(Side.RETAIL, "0.10", at=now + timedelta(days=days), meter=ACTIVE_CONNECTIONS.name, own=True)
    async with env.services.db.transaction(env.scope) as session:
        await collect_priced(session, ROOMS.meters, since=now - RECENT, now=now)
    assert await ledger(env) == ({} if days > 0 else {ACTIVE_CONNECTIONS.name: 1 + len(env.channels)})
