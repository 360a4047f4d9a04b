"""Pages of API keys and prices: a key is shown once, and other accounts see nothing."""

import re

import pytest
import pytest_asyncio

from tests.support.client_env import ClientEnv
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


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin)


@pytest.mark.parametrize("account", ["", "client"])
async def test_a_key_is_shown_once_and_revoked(
    account: str, msp_setup: MspSetup, admin: Visit, stranger: Visit
) -> None:
    page = f"/clients/{msp_setup.slug}/api-keys" if account else "/api-keys"
    role = "machine" if account else "msp_admin"
    assert "No API keys yet" in (await admin.get(page)).text
    refused = await admin.post(f"{page}/new", {"name": "", "role": role})
    assert refused.status_code == 422
    made = await admin.post(f"{page}/new", {"name": "Key of the importer", "role": role})
    assert made.status_code == 200, made.text
    key = re.findall(r"key_[0-9a-f]{64}_[A-Za-z0-9_-]{43}", made.text)
    assert len(set(key)) == 1
    shown = (await admin.get(page)).text
    assert "Key of the importer" in shown
    assert key[0] not in shown
    [address] = re.findall(rf'action="({re.escape(page)}/[^"]+/revoke)"', shown)
    assert (await stranger.get(page)).status_code == (404 if account else 200)
    assert "Key of the importer" not in (await stranger.get(page)).text
    assert (await stranger.post(address)).status_code == 404
    assert (await admin.post(address)).status_code == 303
    assert "Revoked" in (await admin.get(page)).text
    assert "Key of the importer" in (await admin.get(f"{page}.csv")).text


async def test_prices_are_for_the_msps_own_staff(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    assert "No prices yet" in (await admin.get("/prices")).text
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get("/prices")).status_code in {403, 404}
    assert (await approver.get(f"/clients/{msp_setup.slug}/api-keys")).status_code == 403
