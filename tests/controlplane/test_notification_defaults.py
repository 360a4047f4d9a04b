"""Notifications of members who have chosen none: those that their account sets, on a page, over the API, by command."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tenants.notifications.job_types import NotifyMembers
from tests.controlplane.test_daily_commands import Commands, Environment
from tests.controlplane.test_notification_mails import LATER, mail_at, mails, propose, repeat, rung
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

MAILED: dict[str, Any] = {"muted": [], "mail": "at_once"}


@pytest_asyncio.fixture(loop_scope="module")
async def approver(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.approver)


def of_client(setup: MspSetup) -> str:
    return f"/api/v1/clients/{setup.slug}/notifications/defaults"


async def put(visit: Visit, path: str, body: dict[str, Any], *, tag: str = "") -> Any:
    headers = {"X-CSRF-Token": visit.token, **({"If-Match": tag} if tag else {})}
    return await visit.http.put(path, json=body, headers=headers)


async def test_members_who_chose_none_get_what_the_account_sets(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    own = f"/api/v1/clients/{msp_setup.slug}/notifications/settings"
    assert (await put(admin, of_client(msp_setup), MAILED)).status_code == 200
    shown = (await approver.api("GET", own)).json()
    assert (shown["follows_account"], shown["mail"]) == (True, "at_once")
    await propose(env, "SKU-001")
    [(kind, recipient, content)] = await mails(env, env.scope)
    assert (kind, recipient) == ("notice", msp_setup.approver)
    assert content["link"].startswith(f"http://{msp_setup.host}")  # the MSP's first host
    assert await mails(env, env.msp_account) == []  # staff are members of another account

    assert (await approver.api("PUT", own, {"muted": []})).status_code == 200
    assert (await approver.api("GET", own)).json()["follows_account"] is False
    await propose(env, "SKU-002")
    assert len(await mails(env, env.scope)) == 1  # their own choice: no mails
    assert (await approver.api("DELETE", own)).status_code == 204
    await propose(env, "SKU-003")
    assert len(await mails(env, env.scope)) == 2
    assert (await admin.api("DELETE", of_client(msp_setup))).status_code == 204
    await propose(env, "SKU-004")
    assert len(await mails(env, env.scope)) == 2
    assert (await approver.api("GET", own)).json()["mail"] == "off"


async def test_kinds_that_the_account_mutes_are_not_shown_in_the_app(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await put(admin, of_client(msp_setup), {"muted": ["approval.waiting"]})
    await propose(env, "SKU-001")
    assert "SKU-001" not in (await approver.get(f"{root}/notifications")).text
    assert (await approver.api("PUT", f"/api/v1{root}/notifications/settings", {"muted": []})).status_code == 200
    before = await rung(approver, root)
    await repeat(env, NotifyMembers("approval.waiting", "more", "/approvals", datetime.now(UTC)))
    assert await rung(approver, root) == before + 1


async def test_staff_of_the_msp_have_defaults_of_their_own_account(env: ClientEnv, admin: Visit) -> None:
    assert (await put(admin, "/api/v1/notifications/defaults", MAILED)).status_code == 200
    await propose(env, "SKU-001")
    await mail_at(env, env.msp_account, datetime.now(UTC) + LATER)
    assert [kind for kind, _, _ in await mails(env, env.msp_account)] == ["notice"]
    assert await mails(env, env.scope) == []


async def test_an_edit_names_the_version_that_it_was_made_from(msp_setup: MspSetup, admin: Visit) -> None:
    path = of_client(msp_setup)
    absent = await admin.http.get(path)
    assert absent.json()["is_set"] is False
    set_first = await put(admin, path, MAILED, tag=absent.headers["etag"])
    assert set_first.json()["is_set"] is True
    assert (await put(admin, path, {"muted": []}, tag=absent.headers["etag"])).status_code == 412
    stale = {"X-CSRF-Token": admin.token, "If-Match": absent.headers["etag"]}
    assert (await admin.http.delete(path, headers=stale)).status_code == 412
    assert (await admin.api("GET", path)).json()["mail"] == "at_once"
    refused = await put(admin, path, {"muted": ["no.such.kind"]})
    assert (refused.status_code, refused.json()["field"]) == (422, "muted")


async def test_defaults_reach_no_other_account_and_need_their_permission(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, other_env: ClientEnv, approver: Visit
) -> None:
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    for method, body in (("GET", None), ("PUT", MAILED), ("DELETE", None)):
        assert (await stranger.api(method, of_client(msp_setup), body)).status_code == 404
        assert (await approver.api(method, of_client(msp_setup), body)).status_code == 403
    assert (await put(stranger, of_client(other), MAILED)).status_code == 200
    assert (await admin.api("GET", of_client(msp_setup))).json()["is_set"] is False
    await propose(env, "SKU-001")
    assert await mails(env, env.scope) == []


async def test_members_of_trading_partners_choose_their_own(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit
) -> None:
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    root = f"/clients/{msp_setup.slug}/notifications/settings"
    await put(admin, of_client(msp_setup), MAILED)
    assert (await partner.api("GET", f"/api/v1{root}")).json()["mail"] == "off"
    assert "You have chosen nothing yet" not in (await partner.get(root)).text
    rows = await env.rows("SELECT count(*) FROM notification_default")
    assert rows == [(1,)]


async def test_pages_set_remove_and_follow_the_defaults(msp_setup: MspSetup, admin: Visit, approver: Visit) -> None:
    root = f"/clients/{msp_setup.slug}/notifications"
    page = await admin.get(f"{root}/defaults")
    assert "Nothing is set yet" in page.text
    form = {
        "least_severity": "warning", "kinds": "approval.waiting", "mail": "daily", "mail_least_severity": "info",
        "webhook_least_severity": "info", "quiet_from": "22:00", "digest_at": "08:15", "version": "0",
    }  # fmt: skip
    half = await admin.post(f"{root}/defaults", form)
    assert (half.status_code, "Quiet hours need a beginning and an end." in half.text) == (422, True)
    assert (await admin.post(f"{root}/defaults", form | {"quiet_until": "06:00"})).status_code == 303
    stale = await admin.post(f"{root}/defaults", form | {"quiet_until": "06:00"})
    assert stale.status_code == 412
    assert 'value="08:15"' in (await admin.get(f"{root}/defaults")).text

    own = (await approver.get(f"{root}/settings")).text
    assert "You have chosen nothing yet" in own
    assert 'value="08:15"' in own
    assert f"{root}/defaults" not in own  # needs the permission
    await approver.post(f"{root}/settings", form | {"quiet_until": "06:00", "digest_at": "09:30"})
    assert "Follow the account" in (await approver.get(f"{root}/settings")).text
    assert (await approver.post(f"{root}/settings/follow")).status_code == 303
    assert 'value="08:15"' in (await approver.get(f"{root}/settings")).text
    await admin.get(f"{root}/defaults")
    assert (await admin.post(f"{root}/defaults/clear")).status_code == 303
    assert "Nothing is set yet" in (await admin.get(f"{root}/defaults")).text


async def test_commands_set_show_and_remove_the_defaults(
    environment: Environment, msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    commands = Commands(environment, env.scope)
    assert "Nothing is set" in await commands.run("notification", "show-defaults")
    await commands.run("notification", "set-defaults", "--mail", "hourly", "--mute", "approval.waiting")
    assert "approval.waiting  warning  mail hourly  muted" in await commands.run("notification", "show-defaults")
    own = f"/api/v1/clients/{msp_setup.slug}/notifications/settings"
    assert (await approver.api("PUT", own, {"muted": []})).status_code == 200
    await commands.run("notification", "follow", "--email", msp_setup.approver)
    assert (await approver.api("GET", own)).json()["mail"] == "hourly"
    await commands.run("notification", "clear-defaults")
    assert (await commands.data("notification", "show-defaults"))["is_set"] is False
    trail = await env.rows("SELECT action FROM audit_entry WHERE action LIKE 'notification.%' ORDER BY seq")
    assert [action for (action,) in trail] == [
        "notification.defaults_changed", "notification.settings_changed", "notification.settings_removed",
        "notification.defaults_removed",
    ]  # fmt: skip
