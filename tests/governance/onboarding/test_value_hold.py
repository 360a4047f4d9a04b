"""The values of a new client are held, contracts or not, until its baseline is accepted or skipped, or it is live."""

import msgspec
import pytest

from canonical.elements import PRICE, STOCK
from controlplane.provisioning import create_new_client
from foundation.clock import utc_now
from foundation.errors import Conflict
from foundation.ids import new_id
from governance.baseline.skip import skip_baseline
from governance.elements.value_hold import HoldEnd, begin_hold, end_hold, is_holding
from governance.onboarding.check import go_live
from governance.onboarding.queries import load_onboarding
from tenants.client_input import ClientInput
from tests.governance.baseline.clients import accept, read
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD = "SELECT element FROM held_observation ORDER BY 1"
DECIDED = "SELECT DISTINCT element FROM change ORDER BY 1"
WAITS = "SELECT count(*) = 0 FROM held_observation"


async def hold(env: ClientEnv) -> None:
    """Hold, and report a price and a stock level of elements that have contracts."""
    async with env.services.db.transaction(env.scope) as session:
        await begin_hold(session, now=utc_now())
    await env.deliver(env.change("SKU-001", PRICE, 1000), env.change("SKU-001", STOCK, 7))
    await env.work(until="SELECT count(*) = 2 FROM held_observation")


async def test_a_skipped_baseline_releases_what_was_held(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    await hold(env)
    assert await env.rows(HELD) == [(PRICE,), (STOCK,)]
    assert await env.rows(DECIDED) == []
    root = f"/clients/{msp_setup.slug}"
    body = {"element": PRICE, "source_connection_id": str(env.erp), "owner": "Pricing"}
    assert (await admin.api("POST", f"/api/v1{root}/contracts", body)).status_code == 201
    await env.work(settle=0.5)
    assert await env.rows(HELD) == [(PRICE,), (STOCK,)]
    assert "They wait until the baseline is accepted or skipped." in (await admin.get(f"{root}/held-values")).text
    assert "stay held until the baseline" in (await admin.get(f"{root}/onboarding/contracts")).text
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("POST", f"/api/v1{root}/baselines/skip", {})).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{root}/baselines/skip", {})).status_code == 403
    assert "Skip the baseline?" in (await admin.get(f"{root}/baselines")).text
    assert (await admin.post(f"{root}/baselines/skip")).status_code == 303
    await env.work(until=WAITS)
    await env.work(until="SELECT count(DISTINCT element) = 2 FROM change")
    assert ("baseline.skipped",) in await env.rows("SELECT action FROM audit_entry")
    assert "Skip the baseline?" not in (await admin.get(f"{root}/baselines")).text
    assert (await admin.api("POST", f"/api/v1{root}/baselines/skip", {})).status_code == 409
    steps = (await admin.api("GET", f"/api/v1{root}/onboarding")).json()["steps"]
    assert {one["step"]: one["state"] for one in steps}["baseline"] == "optional"


async def test_an_accepted_baseline_releases_the_rest(env: ClientEnv) -> None:
    await hold(env)
    baseline = await read(env)
    await accept(env, baseline)
    await env.work(until="SELECT count(*) = 1 FROM baseline WHERE state = 'accepted'")
    await env.work(until=WAITS)
    assert await env.rows("SELECT ended_for FROM value_hold") == [("baseline",)]


async def test_a_client_that_goes_live_is_held_no_longer(env: ClientEnv) -> None:
    await hold(env)
    async with env.services.db.transaction(env.msp_account.for_fleet()) as session:
        view = await load_onboarding(session, env.scope.tenant_id, now=utc_now())
    assert view.holds_values
    async with env.services.db.transaction(env.scope) as session:
        await go_live(session, msgspec.structs.replace(view, checks=()), now=utc_now())
    await env.work(until=WAITS)
    assert await env.rows("SELECT ended_for FROM value_hold") == [("live",)]


async def test_each_client_has_a_hold_of_its_own(env: ClientEnv, other_env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await begin_hold(session, now=utc_now())
    async with other_env.services.db.transaction(other_env.scope) as session:
        assert not await is_holding(session)
        assert not await end_hold(session, HoldEnd.SKIPPED, now=utc_now())
        with pytest.raises(Conflict):
            await skip_baseline(session, now=utc_now())
    assert await env.rows("SELECT ended_at FROM value_hold") == [(None,)]


async def test_only_clients_that_an_msps_staff_create_are_held(admin: Visit, env: ClientEnv) -> None:
    slug = f"elm-{new_id().hex[-8:]}"
    made = await admin.api("POST", "/api/v1/clients", {"name": "Elm", "slug": slug, "currency": "EUR"})
    assert made.status_code == 201, made.text
    assert (await admin.api("GET", f"/api/v1/clients/{slug}/onboarding")).json()["holds_values"]
    new = ClientInput(name="Fir", slug=f"fir-{new_id().hex[-8:]}", currency="EUR")
    scope = await create_new_client(env.services, env.msp_account, new)
    async with env.services.db.transaction(scope) as session:
        assert not await is_holding(session)
