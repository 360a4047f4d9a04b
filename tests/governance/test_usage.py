"""An invoice's line tells what was billed: the record, its value, the channel, and the change behind it."""

import re
from datetime import datetime
from uuid import UUID

from billing.periods import month_of
from billing.sides import Side
from canonical.elements import PRICE
from controlplane.services import Services
from foundation.scope import Scope
from governance.propagation.meters import VERIFIED_DELIVERIES, describe_deliveries
from tests.billing.conftest import Market
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.web_app import House, WebApp

_EVENTS = "SELECT id FROM usage_event WHERE meter = :meter"


async def synced(world: ClientEnv) -> tuple[list[UUID], UUID]:
    """A price that went to two channels, and a newer one. The usage events, and the newer change."""
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(until="SELECT count(*) = 4 FROM usage_event")
    ((change,),) = await world.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    return [UUID(str(id_)) for (id_,) in await world.rows(_EVENTS, meter=VERIFIED_DELIVERIES.name)], UUID(str(change))


async def told(services: Services, scope: Scope, client: ClientEnv, events: list[UUID]) -> set[tuple[str, str, str]]:
    async with services.db.transaction(scope) as session:
        found = await describe_deliveries(session, client.scope.tenant_id, events)
    return {(used.subject, used.what, used.where) for used in found.values()}


async def test_each_event_is_of_one_value_on_one_channel_and_nobody_elses(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    events, change = await synced(world)
    assert len(events) == 4
    both = {
        ("SKU-001", f"List price {amount} USD", channel)
        for amount in ("100.00", "104.00")
        for channel in ("shop0", "market1")
    }
    fleet = world.msp_account.for_fleet()
    for scope in (world.scope, fleet):
        shown = {(one, what.replace("\N{NO-BREAK SPACE}", " "), where)
                 for one, what, where in await told(world.services, scope, world, events)}  # fmt: skip
        assert shown == both
    async with world.services.db.transaction(world.scope) as session:
        found = await describe_deliveries(session, world.scope.tenant_id, events)
        assert sorted(found) == sorted(events)
        assert [used.path for used in found.values()].count(f"/changes/{change}") == 2
    for scope in (other_world.scope, other_world.msp_account.for_fleet()):
        for client in (world, other_world):
            assert await told(world.services, scope, client, events) == set()


async def test_the_line_leads_to_the_change(site: WebApp, world: ClientEnv, house: House) -> None:
    _, change = await synced(world)
    ((used_at,),) = await world.rows("SELECT min(occurred_at) FROM usage_event")
    assert isinstance(used_at, datetime)
    month = month_of(used_at)
    market = Market(world.services.db, world.msp_account, world.scope, now=month.start)
    await market.open_book(Side.RETAIL, "USD")
    await market.price(Side.RETAIL, "0.10", at=month.start, meter=VERIFIED_DELIVERIES.name)
    market.now = used_at
    draft = await market.rate(Side.RETAIL, month)
    assert draft is not None
    visit = await site.signed_in(house.host, house.approver)
    invoice = f"/clients/{house.slug}/invoices/{draft.id}"
    line = re.search(rf'href="({invoice}/lines/[0-9a-f-]+)"', (await visit.get(invoice)).text)
    assert line is not None
    page = (await visit.get(line[1])).text
    assert "List price" in page
    link = f"/clients/{house.slug}/changes/{change}"
    assert page.count(f'<a href="{link}">SKU-001</a>') == page.count("SKU-001</a>") / 2
    assert (await visit.get(link)).status_code == 200
