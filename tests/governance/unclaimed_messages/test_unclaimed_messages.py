"""Messages that nothing reads are seen, and discarded with a reason, on page and API; a replay needs a reader."""

import pytest
from sqlalchemy import text

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.unclaimed_messages.repair import repair_unclaimed
from tests.connectors.translation.shipments import SHIPMENT, shipment
from tests.support.client_env import ClientEnv
from tests.support.web_app import House, Visit, WebApp, furnish


@pytest.fixture
async def admin(site: WebApp, house: House) -> Visit:
    return await site.signed_in(house.host, house.admin)


@pytest.fixture
async def stranger(site: WebApp, other_world: ClientEnv) -> Visit:
    theirs = await furnish(other_world, name="Other")
    return await site.signed_in(theirs.host, theirs.admin)


async def keep(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"), shipment(world, "S2"))
    await world.deliver(shipment(world, "<S3>"))
    await world.work()


async def test_they_are_counted_per_connection_and_type_on_page_and_api(
    world: ClientEnv, house: House, admin: Visit, stranger: Visit
) -> None:
    await keep(world)
    page, api = (f"{root}/{house.slug}/unclaimed-messages" for root in ("/clients", "/api/v1/clients"))
    [group] = (await admin.api("GET", api)).json()["items"]
    assert (group["connection_id"], group["connection"], group["message_type"]) == (str(world.erp), "ERP", SHIPMENT)
    assert (group["messages"], group["events"], group["reference"], group["is_read"]) == (3, 2, "<S3>", False)
    shown = (await admin.get(page)).text
    assert ("Shipments" in shown, "&lt;S3&gt;" in shown, "replay-1" in shown) == (True, True, False)
    assert f'href="{page}"' in (await admin.get(f"/clients/{house.slug}/connections")).text
    assert [(await stranger.get(page)).status_code, (await stranger.api("GET", api)).status_code] == [404, 404]


async def test_the_exception_ends_when_retention_has_removed_the_last_of_them(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    for each in (world, other_world):
        await keep(each)
    async with world.services.db.transaction(world.scope) as session:
        await repair_unclaimed(session, utc_now())
        assert [one.state for one in await world.exceptions("code = 'message.unclaimed'")] == ["open"]
        await session.execute(text("DELETE FROM unclaimed_message"))
        await repair_unclaimed(session, utc_now())
    assert [one.state for one in await world.exceptions("code = 'message.unclaimed'")] == ["resolved"]
    assert [one.state for one in await other_world.exceptions("code = 'message.unclaimed'")] == ["open"]


async def test_a_replay_without_a_reader_says_so_and_keeps_them(
    world: ClientEnv, house: House, admin: Visit, stranger: Visit
) -> None:
    await keep(world)
    page, api = (f"{root}/{house.slug}/unclaimed-messages/replay" for root in ("/clients", "/api/v1/clients"))
    form = {"connection_id": str(world.erp), "message_type": SHIPMENT}
    refused = await admin.api("POST", api, form)
    assert (refused.status_code, "Nothing reads" in refused.json()["detail"]) == (409, True)
    assert (await admin.post(page, form)).status_code == 409
    for wrong in ({"connection_id": str(new_id())}, {"message_type": "invoice.v1"}, {"message_type": "x\x00"}):
        assert (await admin.api("POST", api, form | wrong)).status_code in {400, 404, 422}, wrong
    assert (await stranger.api("POST", api, form)).status_code == 404
    assert await world.rows("SELECT sum(message_count) FROM unclaimed_message") == [(3,)]


async def test_discarding_takes_a_reason_is_audited_and_is_one_clients_own(
    world: ClientEnv, house: House, admin: Visit, stranger: Visit
) -> None:
    await keep(world)
    page, api = (f"{root}/{house.slug}/unclaimed-messages/discard" for root in ("/clients", "/api/v1/clients"))
    form = {"connection_id": str(world.erp), "message_type": SHIPMENT}
    for reason in ("", " ", "x" * 501):
        refused = await admin.post(page, form | {"reason": reason})
        assert (refused.status_code, "data-shown" in refused.text) == (422, True), reason
        assert (await admin.api("POST", api, form | {"reason": reason})).status_code in {400, 422}
    assert (await stranger.api("POST", api, form | {"reason": "mine"})).status_code == 404
    assert (await admin.api("POST", api, form | {"reason": "Not followed here"})).json() == {"discarded": 3}
    assert (await admin.post(page, form | {"reason": "again"})).status_code == 404
    assert await world.rows("SELECT count(*) FROM unclaimed_message") == [(0,)]
    assert await world.rows("SELECT state FROM governance_exception") == [("resolved",)]
    [(body,)] = await world.rows("SELECT body FROM audit_entry WHERE action = 'message.discarded'")
    assert "Not followed here" in str(body)
