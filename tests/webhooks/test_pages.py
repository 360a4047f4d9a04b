"""Pages and commands of webhooks: the secret is shown once, and other accounts see nothing."""

import re

import pytest

from tests.support.client_env import ClientEnv
from tests.support.commands import run_command
from tests.support.web_app import MspSetup, Visit, WebApp
from tests.support.webhook_receiver import WebhookReceiver
from tests.webhooks.conftest import Api, as_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.mark.parametrize("account", ["", "client"])
async def test_a_webhook_is_added_tested_paused_and_deleted_on_pages(  # noqa: PLR0917 - fixtures
    env: ClientEnv,
    account: str,
    msp_setup: MspSetup,
    admin: Visit,
    stranger: tuple[Visit, MspSetup],
    receiver: WebhookReceiver,
) -> None:
    page = f"/clients/{msp_setup.slug}/webhooks" if account else "/webhooks"
    assert "No webhooks yet" in (await admin.get(page)).text
    assert "change.released" in (await admin.get(f"{page}/new")).text
    refused = await admin.post(f"{page}/new", {"url": receiver.url, "description": "Orders"})
    assert (refused.status_code, "Choose at least one event type." in refused.text) == (422, True)
    assert 'value="Orders"' in refused.text
    made = await admin.post(
        f"{page}/new", {"url": receiver.url, "description": "Orders", "event_types": "change.released"}
    )
    assert made.status_code == 200, made.text
    [secret] = set(_SECRET.findall(made.text))
    [one] = set(re.findall(rf'href="({page}/[0-9a-f-]{{36}})/edit"', made.text))
    shown = (await admin.get(one)).text
    assert secret not in shown
    visit, _ = stranger
    assert (await visit.get(one)).status_code == 404
    assert (await visit.post(f"{one}/pause")).status_code == 404
    await admin.get(one)
    assert (await admin.post(f"{one}/test")).status_code == 303
    await (env if account else as_msp(env)).work()
    assert receiver.types == ["webhook.test"]
    log = (await admin.get(one)).text
    [delivery] = set(re.findall(rf'href="({one}/deliveries/[0-9a-f-]{{36}})"', log))
    detail = (await admin.get(delivery)).text
    assert "specversion" in detail
    assert "204" in detail
    assert (await admin.post(f"{delivery}/replay")).status_code == 303
    rotated = await admin.post(f"{one}/secret")
    assert set(_SECRET.findall(rotated.text)) - {secret}
    assert "The previous secret signs too" in rotated.text
    assert (await admin.post(f"{one}/pause")).status_code == 303
    assert "Paused by a person" in (await admin.get(one)).text
    assert (await admin.post(f"{one}/pause")).status_code == 409
    assert (await admin.post(f"{one}/resume")).status_code == 303
    saved = await admin.post(
        f"{one}/edit",
        {"url": receiver.url, "description": "Other", "event_types": "change.refused", "revision": "2"},
    )
    assert saved.status_code == 303, saved.text[:3000]
    assert (await admin.post(f"{one}/replay", {"since": "2026-01-01", "until": "2099-01-01"})).status_code == 303
    assert (await admin.post(f"{one}/replay", {"since": "", "until": ""})).status_code == 422
    assert (await admin.post(f"{one}/delete", {"revision": "0"})).status_code == 412
    assert (await admin.post(f"{one}/delete", {"revision": "3"})).status_code == 303
    assert "No webhooks yet" in (await admin.get(page)).text


async def test_a_skipped_event_is_shown_as_such(
    env: ClientEnv, api: Api, msp_setup: MspSetup, receiver: WebhookReceiver
) -> None:
    receiver.refuse(500, retry_after="600")
    endpoint, _ = await api.add(receiver)
    await api.call("POST", f"/{endpoint}/test")
    await env.work()
    [delivery] = await api.deliveries(endpoint)
    page = f"/clients/{msp_setup.slug}/webhooks/{endpoint}"
    assert "This webhook is failing" in (await api.visit.get(page)).text
    assert (await api.visit.post(f"{page}/deliveries/{delivery['id']}/skip")).status_code == 303
    assert "Skipped" in (await api.visit.get(page)).text
    assert (await api.visit.post(f"{page}/deliveries/{delivery['id']}/skip")).status_code == 409


async def test_a_reader_may_not_change_anything(web_app: WebApp, msp_setup: MspSetup) -> None:
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/clients/{msp_setup.slug}/webhooks")).status_code == 403
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    assert (await partner.get(f"/clients/{msp_setup.slug}/webhooks")).status_code == 403


async def test_the_commands_do_the_same(
    env: ClientEnv, environment: dict[str, str | None], receiver: WebhookReceiver
) -> None:
    given = {name: value for name, value in environment.items() if value is not None}
    given["FAIRLEAD_OUTBOUND_ALLOWED"] = "127.0.0.0/8"
    msp, client = str(env.scope.msp_id), str(env.scope.tenant_id)

    def webhook(name: str, *rest: str, status: int = 0) -> str:
        ended, output = run_command(["webhook", name, "--msp", msp, "--client", client, *rest], given)
        assert ended == status, output
        return output

    made = webhook("create", "--url", receiver.url, "--event", "change.released")
    [one] = re.findall(r"webhook ([0-9a-f-]{36})", made)
    [secret] = _SECRET.findall(made)
    assert one in webhook("list")
    assert "revision 1" in webhook("update", "--endpoint", one, "--description", "Orders")
    assert secret not in webhook("rotate-secret", "--endpoint", one)
    assert "msg_" in webhook("test", "--endpoint", one)
    ((delivery,),) = await env.rows("SELECT id FROM webhook_delivery")
    webhook("skip", "--endpoint", one, "--delivery", str(delivery))
    replayed = webhook("replay", "--endpoint", one, "--since", "2026-01-01", "--until", "2099-01-01")
    assert "1 events" in replayed
    assert "already paused" not in webhook("pause", "--endpoint", one)
    assert "already paused" in webhook("pause", "--endpoint", one, status=1)
    webhook("resume", "--endpoint", one)
    webhook("delete", "--endpoint", one)
    assert "no webhooks" in webhook("list")
