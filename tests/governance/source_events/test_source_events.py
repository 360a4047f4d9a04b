"""Messages of other systems over the API: one message, its original bytes, and permissions."""

import pytest

from tests.support.client_env import ClientEnv
from tests.support.list_rows import Rows
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = b'<script>alert(1)</script>\x00\xff{"sku": "SKU-1"}'


async def test_a_message_is_returned_as_it_was_received(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, other_env: ClientEnv
) -> None:
    event = await Rows(env, "MINE").sample.event(BODY)
    one = f"/api/v1/clients/{msp_setup.slug}/source-events/{event}"
    shown = (await admin.api("GET", one)).json()
    assert (shown["via"], shown["size"], shown["connection_id"]) == ("webhook", len(BODY), str(env.erp))
    assert "\\xff" in shown["body"]
    raw = await admin.api("GET", f"{one}/body")
    assert raw.content == BODY
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert raw.headers["x-content-type-options"] == "nosniff"
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    for path in (one, f"{one}/body", one.rpartition("/")[0]):
        assert (await partner.api("GET", path)).status_code in {403, 404}
    elsewhere = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(elsewhere.host, elsewhere.admin)
    for path in (one, f"{one}/body"):
        assert (await stranger.api("GET", path)).status_code == 404
        assert (await stranger.api("GET", path.replace(msp_setup.slug, elsewhere.slug))).status_code == 404
