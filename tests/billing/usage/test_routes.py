"""Usage over the API and on pages: permissions to declare and report, and isolation."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from billing.jobs import rate_client
from billing.sides import Side
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.database.engine import Database
from tenants.accounts import get_client
from tenants.delegated_access.manage import set_staff_access
from tenants.states import StaffAccess
from tests.billing.conftest import Market
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv, build_client_env
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

METER = {"code": "gb_hours", "label": "Storage", "unit": "GB-hours"}


@pytest_asyncio.fixture(loop_scope="module")
async def sibling_env(
    env: ClientEnv, services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    """Another client of the same MSP."""
    built = await build_client_env(services, relay_db, urls.intake, sandbox, msp_account=env.msp_account)
    yield built
    await built.close()


async def declare(admin: Visit) -> None:
    declared = await admin.api("POST", "/api/v1/meters", METER)
    assert (declared.status_code, declared.json()) == (201, {"code": "gb_hours"})


def event(event_id: str, **more: object) -> dict[str, Any]:
    return {"id": event_id, "meter": "gb_hours", "occurred_at": utc_now().isoformat(), "quantity": "2.5", **more}


async def slug_of(env: ClientEnv) -> str:
    async with env.services.db.transaction(env.scope) as session:
        return (await get_client(session)).slug


async def test_reported_usage_is_priced_invoiced_and_shown_to_its_own_client_only(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    await declare(admin)
    market = Market(env.services.db, env.msp_account, env.scope, now=utc_now() - timedelta(days=1))
    await market.open_book(Side.RETAIL, "USD", own=True)
    price = {"client": msp_setup.slug, "meter": "gb_hours", "unit_price": "0.4"}
    assert (await admin.api("POST", "/api/v1/prices", price)).status_code == 201
    path = f"/api/v1/clients/{msp_setup.slug}/usage"
    batch = {"source": "storage", "events": [event("a", dimensions={"region": "eu"}), event("b", meter="unknown")]}
    reported = await admin.api("POST", path, batch)
    assert reported.status_code == 200, reported.text
    assert [one["result"] for one in reported.json()["items"]] == ["accepted", "refused"]
    assert (await admin.api("POST", path, batch)).json()["duplicate"] == 1
    async with env.services.db.transaction(env.scope) as session:
        await rate_client(session, utc_now() + timedelta(minutes=1))

    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", path, batch)).status_code == 403
    assert (await approver.api("POST", "/api/v1/meters", METER)).status_code == 404
    own = await approver.api("GET", path)
    assert own.status_code == 200, own.text
    assert [(one["event_id"], one["quantity"]) for one in own.json()["items"]] == [("a", "2.5")]
    for root, visit in ((f"/clients/{msp_setup.slug}", admin), ("", admin), (f"/clients/{msp_setup.slug}", approver)):
        page = await visit.get(f"{root}/usage")
        assert (page.status_code, "2.5 GB-hours" in page.text) == (200, True), page.text[:500]
    invoices = (await approver.api("GET", f"/api/v1/clients/{msp_setup.slug}/invoices")).json()["items"]
    assert [one["total_minor"] for one in invoices] == [100]

    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("POST", path, batch)).status_code == 404
    assert (await stranger.api("GET", path)).status_code == 404
    assert (await stranger.api("GET", "/api/v1/usage")).json()["items"] == []
    assert "gb_hours" not in (await stranger.api("GET", "/api/v1/meters")).text
    assert (await stranger.api("POST", "/api/v1/meters/retire", {"code": "gb_hours"})).status_code == 404


async def test_one_report_of_several_clients_reaches_those_that_the_caller_may_act_for(
    admin: Visit, env: ClientEnv, sibling_env: ClientEnv, other_env: ClientEnv
) -> None:
    await declare(admin)
    own, sibling, foreign = [await slug_of(one) for one in (env, sibling_env, other_env)]
    clients = [sibling, own, foreign, "nobody", own]
    batch = {
        "source": "storage",
        "events": [event(f"{number}", client=slug) for number, slug in enumerate(clients)],
    }
    items = (await admin.api("POST", "/api/v1/usage", batch)).json()["items"]
    assert [one["id"] for one in items] == ["0", "1", "2", "3", "4"]
    assert [one["result"] for one in items] == ["accepted", "accepted", "refused", "refused", "accepted"]
    for slug, events in ((own, ["4", "1"]), (sibling, ["0"])):
        listed = (await admin.api("GET", f"/api/v1/clients/{slug}/usage")).json()["items"]
        assert [one["event_id"] for one in listed] == events
    summary = (await admin.api("GET", "/api/v1/usage/summary?meter=gb_hours&by=client")).json()
    assert (summary["events"], summary["quantity"]) == (3, "7.5")
    assert [group["key"] for group in summary["groups"]] == [str(one.scope.tenant_id) for one in (env, sibling_env)]

    async with sibling_env.services.db.transaction(sibling_env.scope) as session:
        await set_staff_access(session, None, StaffAccess.ON_REQUEST, now=utc_now())
    later = {"source": "storage", "events": [event("5", client=sibling), event("6", client=own)]}
    items = (await admin.api("POST", "/api/v1/usage", later)).json()["items"]
    assert [(one["result"], one["code"]) for one in items] == [("refused", "access-needed"), ("accepted", "")]


async def test_cloudevents_are_usage_by_their_type_and_source(admin: Visit, msp_setup: MspSetup) -> None:
    await declare(admin)
    sent = {"specversion": "1.0", "type": "gb_hours", "time": utc_now().isoformat(), "extension": "x"}
    data = {"quantity": "1.25", "dimensions": {"region": "eu"}}
    batch = [
        {**sent, "id": "a", "source": "/eu", "data": data},
        {**sent, "id": "a", "source": "/us"},
        {**sent, "id": "a", "source": "/eu", "data": data},
    ]
    path = f"/api/v1/clients/{msp_setup.slug}/usage"
    wrong = [{**sent, "id": "a", "source": "/eu", "data": data | {"quantty": "2"}}]
    assert (await admin.api("POST", f"{path}/cloudevents", wrong)).status_code == 400
    answer = await admin.api("POST", f"{path}/cloudevents", batch)
    assert answer.status_code == 200, answer.text
    assert [one["result"] for one in answer.json()["items"]] == ["accepted", "accepted", "duplicate"]
    grouped = (await admin.api("GET", f"{path}/summary?meter=gb_hours&by=source")).json()["groups"]
    assert [(one["key"], one["quantity"]) for one in grouped] == [("/eu", "1.25"), ("/us", "1")]


async def test_the_page_declares_and_retires_a_meter(admin: Visit) -> None:
    refused = await admin.post("/meters", METER | {"code": "GB hours"})
    assert (refused.status_code, "such as gb_hours" in refused.text, "GB-hours" in refused.text) == (422, True, True)
    assert (await admin.post("/meters", METER)).status_code == 303
    assert (await admin.post("/meters", METER)).status_code == 409
    assert (await admin.post("/meters/retire", {"code": "gb_hours"})).status_code == 303
    page = await admin.get("/meters")
    assert [word in page.text for word in ("GB-hours", "Retired", "Verified updates")] == [True] * 3
