"""Usage that is not billed: without a price, or older than rating can leave it."""

from datetime import timedelta

import pytest

from billing.invoices.stuck import STUCK_AFTER, list_stuck_usage
from billing.sides import Side
from foundation.errors import Forbidden
from tests.billing.conftest import START, Market, uses


async def test_unpriced_and_long_unrated_usage_is_listed_for_its_own_msp(priced: Market, market: Market) -> None:
    await priced.use(*uses(3), *uses(2, meter="gb_hours"))
    other = market.another_client()
    await other.use(*uses(1, meter="gb_hours"))
    late = START + STUCK_AFTER

    async def listed(at: object) -> list[tuple[object, ...]]:
        async with priced.as_staff() as session:
            found = await list_stuck_usage(session, at)  # type: ignore[arg-type]
        rows = [(one.client_id, one.meter, one.unpriced, one.waiting) for one in found]
        return sorted(rows, key=lambda row: (row[0] != priced.client.tenant_id, row[1]))

    mine, theirs = priced.client.tenant_id, other.client.tenant_id
    unpriced: list[tuple[object, ...]] = [(mine, "gb_hours", 2, 0), (theirs, "gb_hours", 1, 0)]
    assert await listed(late) == unpriced, "the next rating will take the others"
    waiting = (mine, "sync.change", 0, 3)
    assert await listed(late + timedelta(seconds=1)) == [unpriced[0], waiting, unpriced[1]]
    assert await priced.rate(Side.RETAIL) is not None
    assert await listed(late + timedelta(seconds=1)) == unpriced
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await list_stuck_usage(session, late)
