"""Nothing is removed while the clock is in doubt, because removal cannot be undone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from foundation.scope import Scope
from governance.retention.clock_guard import ClockInDoubt
from tests.governance.retention.conftest import Pins


async def last_run(kept: Pins, ago: timedelta) -> None:
    async with kept.owner.transaction(None) as session:
        await session.execute(
            text("UPDATE installation SET recorded_at = clock_timestamp() - :ago WHERE name = 'last_retention'"),
            {"ago": ago},
        )


async def recorded(kept: Pins) -> datetime:
    async with kept.owner.transaction(None) as session:
        found = await session.execute(text("SELECT recorded_at FROM installation WHERE name = 'last_retention'"))
        at: datetime = found.scalar_one()
        return at


@pytest.mark.parametrize("away", [timedelta(days=731 * 3), timedelta(hours=2), timedelta(hours=-2)])
async def test_a_machine_whose_clock_is_not_the_databases_removes_nothing(
    kept: Pins, scope: Scope, away: timedelta
) -> None:
    change = await kept.change(scope)
    with pytest.raises(ClockInDoubt, match="the database's"):
        await kept.run_by_clock(datetime.now(UTC) + away)
    assert await kept.ids(scope) == {change}


@pytest.mark.parametrize("ago", [timedelta(days=46), timedelta(days=20_000), timedelta(hours=-2), timedelta(days=-900)])
async def test_both_clocks_far_from_the_last_run_remove_nothing(kept: Pins, ago: timedelta) -> None:
    """Both clocks are on one machine, so they jump together."""
    await last_run(kept, ago)
    before = await recorded(kept)
    with pytest.raises(ClockInDoubt, match="the last run was at"):
        await kept.run_by_clock(datetime.now(UTC))
    assert await recorded(kept) == before, "a refused run is not a witness for the next"


@pytest.mark.parametrize("ago", [timedelta(days=44), timedelta(0), timedelta(minutes=-50)])
async def test_a_daily_and_a_monthly_run_go_through(kept: Pins, scope: Scope, ago: timedelta) -> None:
    await kept.change(scope)
    await last_run(kept, ago)
    now = datetime.now(UTC)
    await kept.run_by_clock(now)
    assert await recorded(kept) == now


async def test_a_clock_behind_the_data_purges_nothing_until_confirmed(
    kept: Pins, scope: Scope, other_scope: Scope
) -> None:
    await kept.act(scope, datetime.now(UTC))
    await kept.run_by_clock(datetime.now(UTC))
    await kept.act(other_scope, datetime.now(UTC) + timedelta(days=3000))
    with pytest.raises(ClockInDoubt, match="the newest audit entry"):
        await kept.run_by_clock(datetime.now(UTC))
    await kept.run(0, after=datetime.now(UTC))
    await kept.run_by_clock(datetime.now(UTC))
    await kept.act(scope, datetime.now(UTC) + timedelta(days=4000))
    with pytest.raises(ClockInDoubt):
        await kept.run_by_clock(datetime.now(UTC))
