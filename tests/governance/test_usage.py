"""An invoice line shows its usage: the record, its value, the channel, and the change."""

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
from tests.support.web_app import MspSetup, WebApp

_EVENTS = "SELECT id FROM usage_event WHERE meter = :meter"


async def synced(env: ClientEnv) -> tuple[list[UUID], UUID]:
    """A price that was sent to two channels, and a newer one. The usage events, and the newer change."""
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(until="SELECT count(*) = 4 FROM usage_event")
    ((change,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    return [UUID(str(id_)) for (id_,) in await env.rows(_EVENTS, meter=VERIFIED_DELIVERIES.name)], UUID(str(change))


async def usages(services: Services, scope: Scope, client: ClientEnv, events: list[UUID]) -> set[tuple[str, str, str]]:
    async with services.db.transaction(scope) as session:
        found = await describe_deliveries(session, client.scope.tenant_id, events)
    return {(used.subject, used.what, used.where) for used in found.values()}


async def test_each_usage_event_is_one_value_on_one_channel_of_one_client(env: ClientEnv, other_env: ClientEnv) -> None:
    events, change = await synced(env)
    assert len(events) == 4
    both = {
        ("SKU-001", f"List price ${amount}", channel)
        for amount in ("100.00", "104.00")
        for channel in ("shop0", "market1")
    }
    fleet = env.msp_account.for_fleet()
    for scope in (env.scope, fleet):
        shown = {(one, what.replace("\N{NO-BREAK SPACE}", " "), where)
                 for one, what, where in await usages(env.services, scope, env, events)}  # fmt: skip
        assert shown == both
    async with env.services.db.transaction(env.scope) as session:
        found = await describe_deliveries(session, env.scope.tenant_id, events)
        assert sorted(found) == sorted(events)
        assert [used.path for used in found.values()].count(f"/changes/{change}") == 2
    for scope in (other_env.scope, other_env.msp_account.for_fleet()):
        for client in (env, other_env):
            assert await usages(env.services, scope, client, events) == set()


async def test_the_line_leads_to_the_change(web_app: WebApp, env: ClientEnv, msp_setup: MspSetup) -> None:
    _, change = await synced(env)
    ((used_at,),) = await env.rows("SELECT min(occurred_at) FROM usage_event")
    assert isinstance(used_at, datetime)
    month = month_of(used_at)
    market = Market(env.services.db, env.msp_account, env.scope, now=month.start)
    await market.open_book(Side.RETAIL, "USD")
    await market.price(Side.RETAIL, "0.10", at=month.start, meter=VERIFIED_DELIVERIES.name)
    market.now = used_at
    draft = await market.rate(Side.RETAIL, month)
    assert draft is not None
    visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    invoice = f"/clients/{msp_setup.slug}/invoices/{draft.id}"
    line = re.search(rf'href="({invoice}/lines/[0-9a-f-]+)"', (await visit.get(invoice)).text)
    assert line is not None
    page = (await visit.get(line[1])).text
    assert "List price" in page
    link = f"/clients/{msp_setup.slug}/changes/{change}"
    assert page.count(f'<a href="{link}">SKU-001</a>') == page.count("SKU-001</a>") / 2
    assert (await visit.get(link)).status_code == 200
