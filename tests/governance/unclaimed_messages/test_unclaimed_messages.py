"""Unclaimed messages are listed, and discarded with a reason, on page and API; a replay needs a reader."""

import pytest
import pytest_asyncio
from sqlalchemy import text

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.unclaimed_messages.repair import repair_unclaimed
from tests.connectors.translation.shipments import SHIPMENT, shipment
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


async def keep(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"), shipment(env, "S2"))
    await env.deliver(shipment(env, "<S3>"))
    await env.work()


async def test_they_are_counted_per_connection_and_type_on_page_and_api(
    env: ClientEnv, msp_setup: MspSetup, admin: Visit, stranger: Visit
) -> None:
    await keep(env)
    page, api = (f"{root}/{msp_setup.slug}/unclaimed-messages" for root in ("/clients", "/api/v1/clients"))
    [group] = (await admin.api("GET", api)).json()["items"]
    assert (group["connection_id"], group["connection"], group["message_type"]) == (str(env.erp), "ERP", SHIPMENT)
    assert (group["messages"], group["events"], group["reference"], group["can_replay"]) == (3, 2, "<S3>", False)
    shown = (await admin.get(page)).text
    assert ("Shipments" in shown, "&lt;S3&gt;" in shown, "replay-1" in shown) == (True, True, False)
    assert f'href="{page}"' in (await admin.get(f"/clients/{msp_setup.slug}/connections")).text
    assert [(await stranger.get(page)).status_code, (await stranger.api("GET", api)).status_code] == [404, 404]


async def test_the_exception_ends_when_retention_has_removed_the_last_of_them(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    for each in (env, other_env):
        await keep(each)
    async with env.services.db.transaction(env.scope) as session:
        await repair_unclaimed(session, utc_now())
        assert [one.state for one in await env.exceptions("code = 'message.unclaimed'")] == ["open"]
        await session.execute(text("DELETE FROM unclaimed_message"))
        await repair_unclaimed(session, utc_now())
    assert [one.state for one in await env.exceptions("code = 'message.unclaimed'")] == ["resolved"]
    assert [one.state for one in await other_env.exceptions("code = 'message.unclaimed'")] == ["open"]


async def test_a_replay_without_a_subscriber_is_refused_and_keeps_the_messages(
    env: ClientEnv, msp_setup: MspSetup, admin: Visit, stranger: Visit
) -> None:
    await keep(env)
    page, api = (f"{root}/{msp_setup.slug}/unclaimed-messages/replay" for root in ("/clients", "/api/v1/clients"))
    form = {"connection_id": str(env.erp), "message_type": SHIPMENT}
    refused = await admin.api("POST", api, form)
    assert (refused.status_code, "not processed yet" in refused.json()["detail"]) == (409, True)
    assert (await admin.post(page, form)).status_code == 409
    for wrong in ({"connection_id": str(new_id())}, {"message_type": "invoice.v1"}, {"message_type": "x\x00"}):
        assert (await admin.api("POST", api, form | wrong)).status_code in {400, 404, 422}, wrong
    assert (await stranger.api("POST", api, form)).status_code == 404
    assert await env.rows("SELECT sum(message_count) FROM unclaimed_message") == [(3,)]


async def test_discarding_needs_a_reason_is_audited_and_affects_one_client(
    env: ClientEnv, msp_setup: MspSetup, admin: Visit, stranger: Visit
) -> None:
    await keep(env)
    page, api = (f"{root}/{msp_setup.slug}/unclaimed-messages/discard" for root in ("/clients", "/api/v1/clients"))
    form = {"connection_id": str(env.erp), "message_type": SHIPMENT}
    for reason in ("", " ", "x" * 501):
        refused = await admin.post(page, form | {"reason": reason})
        assert (refused.status_code, "data-shown" in refused.text) == (422, True), reason
        assert (await admin.api("POST", api, form | {"reason": reason})).status_code in {400, 422}
    assert (await stranger.api("POST", api, form | {"reason": "mine"})).status_code == 404
    assert (await admin.api("POST", api, form | {"reason": "Not followed here"})).json() == {"discarded": 3}
    assert (await admin.post(page, form | {"reason": "again"})).status_code == 404
    assert await env.rows("SELECT count(*) FROM unclaimed_message") == [(0,)]
    assert await env.rows("SELECT state FROM governance_exception") == [("resolved",)]
    [(body,)] = await env.rows("SELECT body FROM audit_entry WHERE action = 'message.discarded'")
    assert "Not followed here" in str(body)
