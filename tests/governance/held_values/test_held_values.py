"""R8: values without a usable contract are seen, discarded with a reason, and deleted by retention."""

import pytest

from canonical.elements import PRICE, STOCK
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.held_values.queries import list_held
from governance.retention.plan import plan_retention
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv
from tests.support.web_app import House, Visit, WebApp, furnish


@pytest.fixture
async def admin(site: WebApp, house: House) -> Visit:
    return await site.signed_in(house.host, house.admin)


@pytest.fixture
async def stranger(site: WebApp, other_world: ClientEnv) -> Visit:
    theirs = await furnish(other_world, name="Other")
    return await site.signed_in(theirs.host, theirs.admin)


async def hold(world: ClientEnv) -> None:
    """Two records' stock, whose element has no contract, and the price of a channel that no contract names."""
    delete_as_owner(world, "element_contract", "element = %(e)s", e=STOCK)
    await world.deliver(world.change("SKU-001", STOCK, 1), world.change("SKU-002", STOCK, 2))
    await world.deliver(world.change("SKU-001", STOCK, 3))
    await world.work()


class TestHeldValues:
    async def test_r8_they_are_counted_per_connection_and_element_on_page_and_api(
        self, world: ClientEnv, other_world: ClientEnv, house: House, admin: Visit, stranger: Visit
    ) -> None:
        await hold(world)
        page, api = (f"{root}/{house.slug}/held-values" for root in ("/clients", "/api/v1/clients"))
        ((group,),) = [(await admin.api("GET", api)).json()["items"]]
        assert (group["connection_id"], group["element"], group["values"]) == (str(world.erp), STOCK, 2)
        assert (group["has_contract"], group["source"], group["connection"]) == (False, None, "ERP")
        shown = (await admin.get(page)).text
        assert "The element has no contract" in shown
        assert (
            f'href="/clients/{house.slug}/held-values"' in (await admin.get(f"/clients/{house.slug}/connections")).text
        )
        assert [(await stranger.get(page)).status_code, (await stranger.api("GET", api)).status_code] == [404, 404]
        async with other_world.services.db.transaction(other_world.scope) as session:
            assert await list_held(session) == []

    async def test_r8_discarding_takes_a_reason_is_audited_and_is_one_clients_own(
        self, world: ClientEnv, house: House, admin: Visit, stranger: Visit
    ) -> None:
        await hold(world)
        page, api = (f"{root}/{house.slug}/held-values/discard" for root in ("/clients", "/api/v1/clients"))
        form = {"connection_id": str(world.erp), "element": STOCK}
        for reason in ("", " ", "x" * 501):
            refused = await admin.post(page, form | {"reason": reason})
            assert (refused.status_code, "data-shown" in refused.text) == (422, True), reason
            assert (await admin.api("POST", api, form | {"reason": reason})).status_code in {400, 422}
        for wrong in ({"element": PRICE}, {"element": ""}, {"element": "x\x00"}, {"connection_id": str(new_id())}):
            assert (await admin.api("POST", api, form | wrong | {"reason": "r"})).status_code in {400, 404, 422}, wrong
        assert (await stranger.api("POST", api, form | {"reason": "mine"})).status_code == 404
        assert await world.rows("SELECT count(*) FROM held_observation") == [(2,)]
        assert (await admin.api("POST", api, form | {"reason": "Not managed here"})).json() == {"discarded": 2}
        assert await world.rows("SELECT count(*) FROM held_observation") == [(0,)]
        ((body,),) = await world.rows("SELECT body FROM audit_entry WHERE action = 'held_value.discarded'")
        assert "Not managed here" in str(body)
        assert (await admin.post(page, form | {"reason": "again"})).status_code == 404
        assert await world.rows("SELECT count(*) FROM source_event") != [(0,)], "messages stay stored"

    async def test_r8_retention_shows_and_deletes_them(self, world: ClientEnv) -> None:
        await hold(world)
        async with world.services.db.transaction(world.scope) as session:
            view = await plan_retention(session, ROOMS.retained, now=utc_now())
        (own,) = [one for one in view.classes if one.name == "held_values"]
        assert (own.rows, own.keep_days, own.due) == (2, 400, 0)
