"""Rate limits of the API: counted by caller and account, stated in each response, set by staff of the MSP."""

import asyncio
import json
from typing import Any

from click.testing import CliRunner

from controlplane.cli.main import main
from foundation.web.call_counts import HOUR, CallCounts
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp


async def make_key(admin: Visit, root: str) -> tuple[str, dict[str, str]]:
    """The key's id, and the header that uses it."""
    made = await admin.api("POST", f"/api/v1{root}/api-keys", {"name": "Reader", "role": "client_viewer"})
    assert made.status_code == 201, made.text
    return made.json()["api_key"]["id"], {"Authorization": f"Bearer {made.json()['key']}"}


async def test_a_key_over_its_limit_gets_the_time_to_retry_and_no_other_caller_is_limited(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, other_env: ClientEnv
) -> None:
    root = f"/clients/{msp_setup.slug}"
    (key_id, headers), (_, second) = await make_key(admin, root), await make_key(admin, root)
    saved = await admin.api("PUT", f"/api/v1{root}/rate-limits", {"per_caller": 10, "per_account": 15})
    assert saved.status_code == 200, saved.text
    visit = web_app.visit(msp_setup.host)

    async def call(key: dict[str, str]) -> Any:
        return await visit.http.get(f"/api/v1{root}/changes", headers=key)

    first = await call(headers)
    assert first.status_code == 200
    assert first.headers["ratelimit-policy"] == '"caller";q=10;w=60, "account";q=15;w=60'
    assert first.headers["ratelimit"].startswith('"caller";r=9;t=')
    bucket = f"fl:{msp_setup.env.scope.msp_id}:rate:{msp_setup.env.scope.tenant_id}:{key_id}"
    await web_app.services.valkey.set(bucket, 9_000_000_000_000_000)  # used up, however slow the test is
    refused = await call(headers)
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["type"] == "/problems/rate-limited"
    assert refused.headers["retry-after"] == "6"
    assert refused.headers["ratelimit"].startswith('"caller";r=0;t=')
    assert (await call(second)).status_code == 200  # of the same account, which has some left
    assert (await admin.api("GET", f"/api/v1{root}/changes")).status_code == 200  # of the MSP's account
    counts = CallCounts(web_app.services.valkey)
    scope = msp_setup.env.scope
    counted = await counts.read_complete(scope.msp_id, scope.tenant_id, ahead=HOUR)
    assert sorted(one.calls for one in counted) == [1, 1], "one of each key, without the refused one and the member's"

    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", f"/api/v1/clients/{other.slug}/rate-limits")).json()["set_per_caller"] is None
    assert (await stranger.api("GET", f"/api/v1{root}/rate-limits")).status_code == 404
    put = await stranger.api("PUT", f"/api/v1{root}/rate-limits", {"per_caller": 100})
    assert put.status_code == 404


async def test_staff_set_limits_on_the_page_and_a_client_does_not(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    page = await admin.get(f"{root}/rate-limits")
    assert "6,000" in page.text
    assert (await admin.post(f"{root}/rate-limits", {"per_caller": "many", "per_account": ""})).status_code == 422
    low = await admin.post(f"{root}/rate-limits", {"per_caller": "500", "per_account": "400"})
    assert (low.status_code, "at least the limit of one" in low.text) == (422, True)
    assert (await admin.post(f"{root}/rate-limits", {"per_caller": "500", "per_account": ""})).status_code == 303
    kept = (await admin.api("GET", f"/api/v1{root}/rate-limits")).json()
    assert kept == {"per_caller": 500, "per_account": 60000, "set_per_caller": 500, "set_per_account": None}
    assert (await admin.get("/rate-limits")).status_code == 200
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.post(f"{root}/rate-limits", {"per_caller": "900"})).status_code == 403


async def test_the_operator_sets_limits_by_command(env: ClientEnv, environment: dict[str, str | None]) -> None:
    account = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id), "--json"]

    async def run(*arguments: str) -> Any:
        found = await asyncio.to_thread(CliRunner(env=environment).invoke, main, ["rate-limit", *arguments, *account])
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    assert (await run("set", "--per-caller", "120"))["per_caller"] == 120
    assert (await run("show"))["set_per_caller"] == 120
