"""Values without a usable contract: listed, discarded with a reason, and deleted by retention."""

import pytest
import pytest_asyncio

from canonical.elements import PRICE, STOCK
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.held_values.queries import list_held
from governance.retention.plan import plan_retention
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    theirs = await set_up_msp(other_env, name="Other")
    return await web_app.signed_in(theirs.host, theirs.admin)


async def hold(env: ClientEnv) -> None:
    """Two records' stock, whose element has no contract, and the price from a channel that no contract names."""
    delete_as_owner(env, "element_contract", "element = %(e)s", e=STOCK)
    await env.deliver(env.change("SKU-001", STOCK, 1), env.change("SKU-002", STOCK, 2))
    await env.deliver(env.change("SKU-001", STOCK, 3))
    await env.work()


class TestHeldValues:
    async def test_they_are_counted_per_connection_and_element_on_page_and_api(
        self, env: ClientEnv, other_env: ClientEnv, msp_setup: MspSetup, admin: Visit, stranger: Visit
    ) -> None:
        await hold(env)
        page, api = (f"{root}/{msp_setup.slug}/held-values" for root in ("/clients", "/api/v1/clients"))
        ((group,),) = [(await admin.api("GET", api)).json()["items"]]
        assert (group["connection_id"], group["element"], group["values"]) == (str(env.erp), STOCK, 2)
        assert (group["has_contract"], group["source"], group["connection"]) == (False, None, "ERP")
        shown = (await admin.get(page)).text
        assert "The element has no contract" in shown
        assert (
            f'href="/clients/{msp_setup.slug}/held-values"'
            in (await admin.get(f"/clients/{msp_setup.slug}/connections")).text
        )
        assert [(await stranger.get(page)).status_code, (await stranger.api("GET", api)).status_code] == [
            404,
            404,
        ]
        async with other_env.services.db.transaction(other_env.scope) as session:
            assert await list_held(session) == []

    async def test_discarding_needs_a_reason_is_audited_and_affects_one_client(
        self, env: ClientEnv, msp_setup: MspSetup, admin: Visit, stranger: Visit
    ) -> None:
        await hold(env)
        page, api = (f"{root}/{msp_setup.slug}/held-values/discard" for root in ("/clients", "/api/v1/clients"))
        form = {"connection_id": str(env.erp), "element": STOCK}
        for reason in ("", " ", "x" * 501):
            refused = await admin.post(page, form | {"reason": reason})
            assert (refused.status_code, "data-shown" in refused.text) == (422, True), reason
            assert (await admin.api("POST", api, form | {"reason": reason})).status_code in {400, 422}
        for wrong in ({"element": PRICE}, {"element": ""}, {"element": "x\x00"}, {"connection_id": str(new_id())}):
            assert (await admin.api("POST", api, form | wrong | {"reason": "r"})).status_code in {400, 404, 422}, wrong
        assert (await stranger.api("POST", api, form | {"reason": "mine"})).status_code == 404
        assert await env.rows("SELECT count(*) FROM held_observation") == [(2,)]
        assert (await admin.api("POST", api, form | {"reason": "Not managed here"})).json() == {"discarded": 2}
        assert await env.rows("SELECT count(*) FROM held_observation") == [(0,)]
        ((body,),) = await env.rows("SELECT body FROM audit_entry WHERE action = 'held_value.discarded'")
        assert "Not managed here" in str(body)
        assert (await admin.post(page, form | {"reason": "again"})).status_code == 404
        assert await env.rows("SELECT count(*) FROM source_event") != [(0,)], "messages stay stored"

    async def test_retention_shows_and_deletes_them(self, env: ClientEnv) -> None:
        await hold(env)
        async with env.services.db.transaction(env.scope) as session:
            view = await plan_retention(session, ROOMS.retained, now=utc_now())
        (own,) = [one for one in view.classes if one.name == "held_values"]
        assert (own.rows, own.keep_days, own.due) == (2, 400, 0)
