"""Reports of the same events in transactions that run at the same time."""

import asyncio
from collections import Counter
from datetime import timedelta

from sqlalchemy import text

from billing.reconciliation.rollups import find_rollup_differences
from billing.usage.meters import create_meter
from billing.usage.schemas import NewMeter, UsageReceipt
from tests.billing.conftest import MARCH, Market
from tests.billing.usage.test_report import AT, NONE, event, metered, report  # noqa: F401 - fixture


async def test_events_that_are_reported_twice_at_once_count_once_for_each_meter(metered: Market) -> None:  # noqa: F811
    """Also the reversal of one, for its own hour; roll-ups stay the sums of their events."""
    async with metered.as_msp_account() as session:
        second = NewMeter("transfers", "Transfers", "GB-hours", event="gb_hours")
        await create_meter(session, NONE, second, now=metered.now)
    sent = [event("a", "1.5"), event("b", "2", occurred_at=AT + timedelta(hours=2)), event("a", "9")]
    back = event("a back", None, reverses="a", occurred_at=AT + timedelta(days=1))
    at_once = asyncio.Barrier(2)

    async def send() -> UsageReceipt:
        await at_once.wait()
        return await report(metered, *sent, back)

    receipts = await asyncio.gather(send(), send())
    assert Counter(item.result for one in receipts for item in one.items) == {
        "accepted": 3, "duplicate": 3, "refused": 2,
    }  # fmt: skip
    async with metered.as_client() as session:
        rows = await session.execute(
            text("SELECT meter, sum(quantity), count(*) FROM usage_event GROUP BY 1 ORDER BY 1")
        )
        assert [tuple(row) for row in rows] == [("gb_hours", 2, 3), ("transfers", 2, 3)]
        assert await find_rollup_differences(session, period=MARCH) == []
        hours = await session.execute(
            text("SELECT meter, sum(events) FROM usage_rollup GROUP BY meter, hour ORDER BY 1, 2")
        )
        assert [tuple(row) for row in hours] == [("gb_hours", 0), ("gb_hours", 1), ("transfers", 0), ("transfers", 1)]
