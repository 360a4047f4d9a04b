"""Default notifications of templates: applied, compared, pulled and kept, in the one client only."""

from typing import Any

import pytest

from tests.governance.onboarding.test_template_brand import pull
from tests.governance.onboarding.test_templates import API, add_client, save, states
from tests.support.client_env import ClientEnv
from tests.support.web_app import Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAILY: dict[str, Any] = {"muted": ["policy.drafted"], "mail": "daily", "quiet_from": "22:00", "quiet_until": "06:00"}


def of(slug: str) -> str:
    return f"/api/v1/clients/{slug}/notifications/defaults"


async def mail(visit: Visit, slug: str) -> str:
    found = (await visit.api("GET", of(slug))).json()
    return str(found["mail"]) if found["is_set"] else ""


async def test_default_notifications_are_applied_compared_kept_and_pulled(
    web_app: WebApp, admin: Visit, other_env: ClientEnv
) -> None:
    template_id = await save(admin, "Notified", notifications=DAILY)
    await add_client(admin, "linden", template_id)
    await add_client(admin, "elm", await save(admin, "Quiet"))
    assert await states(admin, "linden") == {"notifications": "same"}
    assert (await mail(admin, "linden"), await mail(admin, "elm")) == ("daily", "")

    own = DAILY | {"mail": "hourly", "muted": ["policy.drafted", "approval.waiting"]}
    assert (await admin.api("PUT", of("linden"), own)).status_code == 200
    found = (await admin.api("GET", "/api/v1/clients/linden/template")).json()
    assert found["summary"] == "Differs from version 1 in 1 set of default notifications."
    assert {one["field"]: (one["own"], one["template"]) for one in found["items"][0]["differences"]} == {
        "muted": (
            "A change needs approval and A draft of the policy waits for publication",
            "A draft of the policy waits for publication",
        ),
        "mail": ("Summary every hour", "Summary once a day"),
    }
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Notified&drift=drifting")).json()["items"]
    assert [(one["client"], one["differing"]) for one in listed] == [("linden", 1)]
    items = "/api/v1/clients/linden/template/items"
    assert (await admin.api("PUT", items, {"key": "notifications", "keep": True})).status_code == 204
    assert (await pull(admin, "linden", template_id))["applied"] == []
    assert await mail(admin, "linden") == "hourly"
    await admin.api("PUT", items, {"key": "notifications", "keep": False})

    second = {"notifications": DAILY | {"mail": "at_once"}}
    assert (await admin.api("POST", f"{API}/{template_id}/versions", {"content": second})).status_code == 201
    assert (await pull(admin, "linden", template_id))["applied"] == ["notifications"]
    assert await mail(admin, "linden") == "at_once"
    await admin.api("DELETE", of("linden"))
    assert await states(admin, "linden") == {"notifications": "missing"}
    await pull(admin, "linden", template_id)
    taken = await admin.api("POST", API, {"name": "Like linden", "client": "linden"})
    content = (await admin.api("GET", f"{API}/{taken.json()['template_id']}")).json()["content"]
    assert (content["notifications"]["mail"], content["notifications"]["muted"]) == ("at_once", ["policy.drafted"])

    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    await add_client(foreign, "linden", await save(foreign, "Theirs"))
    assert await mail(foreign, "linden") == ""
    assert (await foreign.api("GET", of("elm"))).status_code == 404


async def test_the_page_sets_and_removes_the_default_notifications(admin: Visit) -> None:
    template_id = await save(admin, "Notification forms")
    page = f"/templates/{template_id}/contract"
    typed = {
        "part": "notifications", "kinds": "approval.waiting", "least_severity": "info", "mail": "daily",
        "mail_least_severity": "warning", "webhook_least_severity": "info", "quiet_from": "22:00", "digest_at": "08:15",
    }  # fmt: skip
    refused = await admin.post(page, typed)
    assert (refused.status_code, "Quiet hours need a beginning and an end." in refused.text) == (422, True)
    assert 'value="08:15"' in refused.text
    assert (await admin.post(page, typed | {"quiet_until": "06:00"})).status_code == 303
    shown = (await admin.get(f"/templates/{template_id}")).text
    assert "Mails: Summary once a day; Mailed at least: Warning; Quiet hours from: 22:00" in shown
    content = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]["notifications"]
    assert "approval.waiting" not in content["muted"]
    assert "policy.drafted" in content["muted"]
    await admin.get(f"/templates/{template_id}")
    assert (await admin.post(f"/templates/{template_id}", {"remove": "notifications"})).status_code == 303
    assert (await admin.api("GET", f"{API}/{template_id}")).json()["content"]["notifications"] is None
    bad = {"name": "Bad", "content": {"notifications": {"muted": ["no.such.kind"]}}}
    assert (await admin.api("POST", API, bad)).status_code == 422
