"""Mails of an installation without a mail server, such as the demonstration: administrators read them."""

import pytest

from tests.controlplane.test_mail import do_work, invite, mails_of
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_mailbox_services,
    shared_relay_db,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_mails_are_shown_to_the_administrators_of_their_msp_only(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    link = await invite(admin, msp_setup)
    await do_work(env.services, env.scope)
    assert await mails_of(env.services, env.scope) == [("kept", False, None)]
    (one,) = (await admin.api("GET", "/api/v1/mails")).json()["items"]
    assert link in (await admin.get(f"/mail/{one['id']}")).text
    assert link in (await admin.api("GET", f"/api/v1/mails/{one['id']}/text")).json()["text"]
    stranger = await set_up_msp(other_env, name="Far Shore")
    other = await web_app.signed_in(stranger.host, stranger.admin)
    assert (await other.get(f"/mail/{one['id']}")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/mail/{one['id']}")).status_code == 404
    assert (await approver.api("GET", f"/api/v1/mails/{one['id']}/text")).status_code == 404
