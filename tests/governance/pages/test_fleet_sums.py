"""The fleet's summaries equal the counts of rows, after any traffic, and never include another MSP's."""

import random
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import text

from foundation.ids import id_floor, time_of
from governance.fleet.hours import HOUR, HOURS, count_change_hours, hours_before, read_hours, shown_until
from governance.fleet.lists import FLEET
from governance.fleet.queries import FleetFigures, list_fleet, read_fleet_page
from governance.overview.queries import read_figures
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp
from tests.tenants.conftest import NOW

_COUNTED = ("exceptions", "critical", "high", "late", "running", "awaiting", "overdue")


async def counted_hours(sample: Sample, now: datetime) -> list[int]:
    """Changes of the shown hours, counted one by one."""
    async with sample.db.transaction(sample.scope) as session:
        ids = (await session.execute(text("SELECT id FROM change"))).scalars().all()
    starts = hours_before(shown_until(now))
    found = Counter((time_of(one) - starts[0]) // HOUR for one in ids)
    return [found[place] for place in range(HOURS)]


async def shown_hours(app: GovernanceWebApp, now: datetime) -> dict[str, list[int]]:
    async with app.acme.db.transaction(app.msp.scope.for_fleet()) as session:
        return {one.name: list(one.changes) for one in await read_hours(session, now=now)}


async def day_rows(sample: Sample, now: datetime) -> int:
    async with sample.db.transaction(sample.scope) as session:
        ids = (await session.execute(text("SELECT id FROM change"))).scalars().all()
    return sum(one >= id_floor(now - 24 * HOUR) for one in ids)


async def day_counts(app: GovernanceWebApp, now: datetime) -> dict[str, int]:
    """Changes of the last 24 hours, which the fleet and each client's dashboard show alike."""
    async with app.acme.db.transaction(app.msp.scope.for_fleet()) as session:
        found = (await list_fleet(session, FLEET.query(), now)).items
    for sample, name in zip((app.acme, app.borealis), await names(app), strict=True):
        async with sample.db.transaction(sample.scope) as session:
            shown = (await read_figures(session, now=now)).changes
        assert [one.changes for one in found if one.name == name] == [shown]
    return {one.name: one.changes for one in found}


async def names(app: GovernanceWebApp) -> tuple[str, str]:
    async with app.acme.db.transaction(app.msp.scope.for_fleet()) as session:
        found = (await list_fleet(session, FLEET.query(), NOW)).items
    of = {one.tenant_id: one.name for one in found}
    assert set(of) == {app.acme.scope.tenant_id, app.borealis.scope.tenant_id}
    return of[app.acme.scope.tenant_id], of[app.borealis.scope.tenant_id]


async def run_duty(sample: Sample, now: datetime) -> None:
    async with sample.db.transaction(sample.scope) as session:
        await count_change_hours(session, now)


async def test_hours_equal_the_counted_changes_whenever_the_timers_run(busy: GovernanceWebApp) -> None:
    chance = random.Random(12)
    acme, borealis = await names(busy)
    for sample in (busy.acme, busy.borealis, busy.alien):
        for number in range(20):
            await sample.change(
                f"S-{number}", 1000, 1040, states={"Web shop": "verified"}, at=chance.randrange(40 * 3600)
            )
    await run_duty(busy.acme, NOW - timedelta(hours=9))  # the sums are out of date until the job runs again
    for minutes in (0, 14, 16, 31, 59, 61, 95, 24 * 60, 26 * 60):
        now = NOW.replace(minute=0) + timedelta(minutes=minutes)
        for sample in chance.sample([busy.acme, busy.borealis, busy.alien], chance.randrange(4)):
            await run_duty(sample, now)
            await run_duty(sample, now)  # a repeated job
        expected = {acme: await counted_hours(busy.acme, now), borealis: await counted_hours(busy.borealis, now)}
        assert await shown_hours(busy, now) == expected
        assert await day_counts(busy, now) == {
            acme: await day_rows(busy.acme, now), borealis: await day_rows(busy.borealis, now)
        }  # fmt: skip
    assert sum(map(sum, expected.values())) < 40


async def test_counted_hours_are_read_instead_of_the_changes(busy: GovernanceWebApp) -> None:
    """The stored hours are used; otherwise the comparison above would be meaningless."""
    acme, _ = await names(busy)
    await run_duty(busy.acme, NOW)
    late = (NOW - shown_until(NOW)).total_seconds() + 60
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"}, at=late)
    assert sum((await shown_hours(busy, NOW))[acme]) == 0
    assert sum((await shown_hours(busy, NOW + 2 * HOUR))[acme]) == 1
    assert (await day_rows(busy.acme, NOW), (await day_counts(busy, NOW))[acme]) == (1, 0)


async def figures(app: GovernanceWebApp) -> FleetFigures:
    """The sums, after a comparison with the figures of the clients in the list."""
    async with app.acme.db.transaction(app.msp.scope.for_fleet()) as session:
        found, page = await read_fleet_page(session, FLEET.query(), NOW)
        assert page.items == (await list_fleet(session, FLEET.query(), NOW)).items
        for name in _COUNTED:
            assert getattr(found, name) == sum(getattr(one, name) for one in page.items), name
        for show in found.clients:
            query = FLEET.query(show=show) if show else FLEET.query()
            sums, narrowed = await read_fleet_page(session, query, NOW)
            assert (sums, len(narrowed.items)) == (found, found.clients[show]), show
    return found


async def test_sums_equal_those_of_the_clients_after_traffic_and_closing(busy: GovernanceWebApp) -> None:
    chance = random.Random(3)
    assert (await figures(busy)).exceptions == 0
    for sample in (busy.acme, busy.borealis, busy.alien):
        for number in range(chance.randrange(2, 5)):
            await sample.exception("change.refused", f"Refused {number}", exposure=chance.choice([0, 2000, 200_000]))
            await sample.awaiting(f"WAIT-{number}", 1000, 2000, at=900 - number)
            state = chance.choice(["pending", "accepted", "verified"])
            await sample.change(f"SKU-{number}", 1000, 1040, states={"Web shop": state}, at=chance.choice([5, 3600]))
    before = await figures(busy)
    assert min(before.exceptions, before.awaiting) > 0
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        await session.execute(text("UPDATE governance_exception SET state = 'resolved'"))
        closed = int((await session.execute(text("SELECT count(*) FROM governance_exception"))).scalar_one())
    assert (await figures(busy)).exceptions == before.exceptions - closed
