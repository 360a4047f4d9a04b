"""Plan, prices and ladder of templates: a job sets them once in the MSP's account, and reports the reason for each
client where it could not.
"""

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text

from controlplane.jobs import build_jobs
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.worker import LaneWorker
from governance.onboarding.client_templates.billing_job import billing_handler
from governance.onboarding.job_types import SET_TEMPLATE_BILLING, TEMPLATE_LANE, TemplateBilling
from governance.propagation.meters import VERIFIED_DELIVERIES
from governance.services import GovernanceServices
from tests.governance.onboarding.test_templates import API, add_client, save, states
from tests.support.client_env import ClientEnv
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
METER = VERIFIED_DELIVERIES.name
PRICE = f"price:{METER}"
PRICED: dict[str, Any] = {"meter": METER, "currency": "EUR", "description": "Updates", "unit_price": "0.05"}
LADDER = {"steps": [{"about": "approval", "after_minutes": 60, "role": "client_approver"}]}
PLAN = {"code": "care", "name": "Care", "currency": "EUR", "fee": "30"}


async def run_job(env: ClientEnv, visit: Visit, slug: str) -> None:
    worker = LaneWorker(
        env.services.db, env.services.ready_queue, build_jobs(env.services), pool="shared",
        metrics=env.services.lane_metrics, lease=60,
    )  # fmt: skip
    found = (await visit.api("GET", f"/api/v1/clients/{slug}")).json()
    await worker.run_lane(env.msp_account.msp_id, UUID(found["id"]), TEMPLATE_LANE)


async def add_price(visit: Visit, slug: str) -> None:
    """A client without any price cannot subscribe."""
    price = {"client": slug, "meter": METER, "unit_price": "0.04", "description": "Updates"}
    assert (await visit.api("POST", "/api/v1/prices", price)).status_code == 201


async def subscriptions(visit: Visit, slug: str) -> list[tuple[str, int, str]]:
    found = (await visit.api("GET", f"/api/v1/clients/{slug}/subscriptions")).json()["items"]
    return [(one["plan"]["code"], one["quantity"], one["steps"][0]["recorded_by"]) for one in found]


async def test_plan_prices_and_ladder_are_applied_compared_and_kept(
    web_app: WebApp, admin: Visit, env: ClientEnv, other_env: ClientEnv
) -> None:
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    template_id = await save(admin, "Care", plan={"code": "care", "quantity": 2}, prices=[PRICED], ladder=LADDER)
    await add_client(admin, "maple", template_id)
    assert await states(admin, "maple") == {"plan": "applying", PRICE: "applying", "ladder": "same"}
    again = await admin.api("POST", "/api/v1/clients/maple/template", {"template_id": template_id})
    assert (again.json()["later"], again.json()["applied"]) == (["plan", PRICE], [])
    await run_job(env, admin, "maple")
    assert await states(admin, "maple") == {"plan": "same", PRICE: "same", "ladder": "same"}
    [(code, quantity, by)] = await subscriptions(admin, "maple")
    assert (code, quantity, by != "system") == ("care", 2, True)
    assert len((await admin.api("GET", "/api/v1/clients/maple/prices")).json()["own"]) == 1
    ladder = (await admin.api("GET", "/api/v1/clients/maple/escalation-ladder")).json()
    assert (ladder["source"], [one["role"] for one in ladder["steps"]]) == ("own", ["client_approver"])

    own = {"client": "maple", "meter": METER, "unit_price": "0.04", "description": "Updates"}
    assert (await admin.api("POST", "/api/v1/prices", own)).status_code == 201
    found = (await admin.api("GET", "/api/v1/clients/maple/template")).json()
    assert found["summary"] == "Differs from version 1 in 1 price."
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Care&drift=drifting")).json()["items"]
    assert [(one["client"], one["differing"]) for one in listed] == [("maple", 1)]
    page = (await admin.get("/clients/maple/template")).text
    assert "Updates" in page
    assert "care × 2" in page
    kept = await admin.api("PUT", "/api/v1/clients/maple/template/items", {"key": PRICE, "keep": True})
    assert kept.status_code == 204
    second = {"plan": {"code": "care", "quantity": 3}, "prices": [PRICED | {"unit_price": "0.06"}], "ladder": LADDER}
    assert (await admin.api("POST", f"{API}/{template_id}/versions", {"content": second})).status_code == 201
    update = (await admin.api("GET", "/api/v1/clients/maple/template/update")).json()["items"]
    assert {one["key"]: one["state"] for one in update} == {"plan": "differs", PRICE: "kept", "ladder": "same"}
    assert update[0]["differences"] == [{"field": "quantity", "label": "Quantity", "own": "2", "template": "3"}]
    pulled = await admin.api("POST", "/api/v1/clients/maple/template", {"template_id": template_id})
    assert pulled.json()["later"] == ["plan"]
    await run_job(env, admin, "maple")
    assert [(code, number) for code, number, _ in await subscriptions(admin, "maple")] == [("care", 3)]
    [now] = (await admin.api("GET", "/api/v1/clients/maple/prices")).json()["own"]
    assert now["terms"]["unit_price"] == "0.04000000"

    taken = await admin.api("POST", API, {"name": "Like maple", "client": "maple"})
    content = (await admin.api("GET", f"{API}/{taken.json()['template_id']}")).json()["content"]
    assert (content["plan"]["quantity"], content["prices"][0]["unit_price"]) == (3, "0.04000000")
    assert content["ladder"]["steps"][0]["after_minutes"] == 60

    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    theirs = await save(foreign, "Care", plan={"code": "care"}, prices=[PRICED])
    await add_client(foreign, "maple", theirs)
    await run_job(other_env, foreign, "maple")
    problem = (await foreign.api("GET", "/api/v1/clients/maple/template")).json()["problem"]
    assert problem == "There is no plan with the code care."
    assert await states(foreign, "maple") == {"plan": "missing", PRICE: "same"}
    assert [number for _, number, _ in await subscriptions(admin, "maple")] == [3]


async def test_a_client_in_another_currency_shows_why_its_prices_are_missing(admin: Visit, env: ClientEnv) -> None:
    template_id = await save(admin, "Euro", prices=[PRICED | {"currency": "USD"}])
    await add_client(admin, "oak", template_id)
    await run_job(env, admin, "oak")
    assert await states(admin, "oak") == {PRICE: "missing"}
    page = (await admin.get("/clients/oak/template")).text
    assert "The template&#39;s prices are in USD, and this client is billed in EUR." in page
    assert (await admin.api("GET", "/api/v1/clients/oak/prices")).json()["own"] == []


async def test_a_refused_price_does_not_hold_the_plan_back(admin: Visit, env: ClientEnv) -> None:
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    template_id = await save(admin, "Both", plan={"code": "care"}, prices=[PRICED | {"currency": "USD"}])
    await add_client(admin, "ash", template_id)
    await add_price(admin, "ash")
    await run_job(env, admin, "ash")
    assert await states(admin, "ash") == {"plan": "same", PRICE: "differs"}
    both = {"plan": {"code": "gone"}, "prices": [PRICED | {"currency": "USD"}]}
    assert (await admin.api("POST", f"{API}/{template_id}/versions", {"content": both})).status_code == 201
    await admin.api("POST", "/api/v1/clients/ash/template", {"template_id": template_id})
    await run_job(env, admin, "ash")
    problem = (await admin.api("GET", "/api/v1/clients/ash/template")).json()["problem"]
    assert problem == (
        "The template's prices are in USD, and this client is billed in EUR. There is no plan with the code gone."
    )


async def test_a_plan_begins_at_go_live_or_on_the_first_of_the_next_month(admin: Visit, env: ClientEnv) -> None:
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    later = await save(admin, "Later", plan={"code": "care", "starts": "go_live"})
    await add_client(admin, "yew", later)
    await add_price(admin, "yew")
    assert await states(admin, "yew") == {"plan": "later"}
    again = await admin.api("POST", "/api/v1/clients/yew/template", {"template_id": later})
    assert again.json()["later"] == []
    await run_job(env, admin, "yew")
    assert await subscriptions(admin, "yew") == []
    waivers = (await admin.api("GET", "/api/v1/clients/yew/onboarding")).json()["checks"]
    for check in waivers:
        await admin.api("PUT", f"/api/v1/clients/yew/onboarding/waivers/{check['check']}", {"reason": "Pilot"})
    live = await admin.api("POST", "/api/v1/clients/yew/onboarding/go-live", {})
    assert live.status_code == 204, live.text
    assert await states(admin, "yew") == {"plan": "applying"}
    await run_job(env, admin, "yew")
    assert await states(admin, "yew") == {"plan": "same"}

    month = await save(admin, "Month", plan={"code": "care", "starts": "next_month"})
    await add_client(admin, "gum", month)
    await add_price(admin, "gum")
    await run_job(env, admin, "gum")
    [found] = (await admin.api("GET", "/api/v1/clients/gum/subscriptions")).json()["items"]
    start = datetime.fromisoformat(found["steps"][0]["takes_effect_at"])
    assert start.day == 1
    assert timedelta(0) < start - utc_now() <= timedelta(days=31)


async def test_a_job_that_stopped_is_shown_as_failed_until_it_is_tried_again(admin: Visit, env: ClientEnv) -> None:
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    template_id = await save(admin, "Stopped", plan={"code": "care"})
    await add_client(admin, "bay", template_id)
    await add_price(admin, "bay")
    scope = env.msp_account.for_tenant(UUID((await admin.api("GET", "/api/v1/clients/bay")).json()["id"]))
    async with env.services.db.transaction(scope) as session:
        await session.execute(
            text("""
                INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, attempts, error, enqueued_at, died_at)
                VALUES (:t, :m, :id, :lane, :kind, 'billing', 8, '{"code": "legacy", "params": {"text": "x"}}', :n, :n)
            """),
            {"t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "lane": TEMPLATE_LANE,
             "kind": SET_TEMPLATE_BILLING.name, "n": utc_now()},
        )  # fmt: skip
    assert await states(admin, "bay") == {"plan": "failed"}
    page = (await admin.get("/clients/bay/template")).text
    assert "The job stopped after repeated attempts." in page
    assert "Could not be applied" in page
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Stopped")).json()["items"]
    assert listed[0]["missing"] == 0
    retried = await admin.post("/clients/bay/template", {"template_id": template_id, "again": "yes"})
    assert retried.status_code == 303
    assert await states(admin, "bay") == {"plan": "applying"}
    await run_job(env, admin, "bay")
    assert await states(admin, "bay") == {"plan": "same"}


async def test_a_ladder_may_name_a_role_that_the_msp_composed(
    web_app: WebApp, admin: Visit, other_env: ClientEnv
) -> None:
    rights = {"name": "Night desk", "permissions": ["approval:read", "exception:read"]}
    made = await admin.api("POST", "/api/v1/roles", rights)
    assert made.status_code == 201, made.text
    role = made.json()["id"]
    steps = {"steps": [{"about": "approval", "after_minutes": 60, "role": role}]}
    template_id = await save(admin, "Nights", ladder=steps)
    await add_client(admin, "box", template_id)
    assert await states(admin, "box") == {"ladder": "same"}
    assert "Night desk of the service provider" in (await admin.get(f"/templates/{template_id}")).text
    assert "Night desk of the service provider" in (await admin.get(f"/templates/{template_id}/contract")).text
    taken = await admin.api("POST", API, {"name": "Like box", "client": "box"})
    content = (await admin.api("GET", f"{API}/{taken.json()['template_id']}")).json()["content"]
    assert [one["role_name"] for one in content["ladder"]["steps"]] == ["Night desk"]
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("POST", API, {"name": "Theirs", "content": {"ladder": steps}})).status_code == 422


async def test_the_page_sets_plan_price_and_ladder(admin: Visit) -> None:
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    template_id = await save(admin, "Forms")
    page = f"/templates/{template_id}/contract"
    assert "Care · " in (await admin.get(page)).text
    wrong: list[dict[str, str]] = [
        {"part": "plan", "plan": "care", "quantity": "-1"}, {"part": "price", "meter": METER, "unit_price": ""},
        {"part": "price", "meter": METER, "currency": "XXQ", "unit_price": "1"}, {"part": "price", "meter": "none"},
        {"part": "ladder"},
    ]  # fmt: skip
    for typed in wrong:
        assert (await admin.post(page, typed)).status_code == 422, typed
    good: list[dict[str, str]] = [
        {"part": "plan", "plan": "care", "quantity": "2"},
        {"part": "price", "meter": METER, "currency": "eur", "unit_price": "0,05", "included": "10"},
        {"part": "ladder", "about": "approval", "after": "2", "unit": "hours", "role": "client_admin",
         "least_severity": "0"},
    ]  # fmt: skip
    for typed in good:
        assert (await admin.post(page, typed)).status_code == 303, typed
    content = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]
    assert (content["plan"]["quantity"], content["prices"][0]["currency"]) == (2, "EUR")
    assert [one["after_minutes"] for one in content["ladder"]["steps"]] == [120]
    assert (await admin.post(f"/templates/{template_id}", {"remove": "ladder"})).status_code == 303


async def test_workers_with_the_same_job_subscribe_once_and_none_for_an_earlier_version(
    admin: Visit, env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a lease that ended while its worker was still at work."""
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    template_id = await save(admin, "Twice", plan={"code": "care"})
    await add_client(admin, "elm", template_id)
    await add_price(admin, "elm")
    found = (await admin.api("GET", "/api/v1/clients/elm")).json()
    scope = env.msp_account.for_tenant(UUID(found["id"]))
    payload = TemplateBilling(kind="member", id="1", name="Nora")
    work = billing_handler(env.services.get(GovernanceServices))

    def batch() -> Batch[TemplateBilling]:
        return cast("Batch[TemplateBilling]", SimpleNamespace(
            items=[SimpleNamespace(payload=payload)], scope=scope, commit=lambda: env.services.db.transaction(scope)
        ))  # fmt: skip

    async def apply_newer(*_: object) -> None:
        content = {"plan": {"code": "care", "quantity": 2}}
        assert (await admin.api("POST", f"{API}/{template_id}/versions", {"content": content})).status_code == 201
        applied = await admin.api("POST", "/api/v1/clients/elm/template", {"template_id": template_id})
        assert applied.json()["later"] == ["plan"]

    with monkeypatch.context() as patched:
        patched.setattr("governance.onboarding.client_templates.billing_job._set_prices", apply_newer)
        await work(batch())
    assert await subscriptions(admin, "elm") == []
    assert await states(admin, "elm") == {"plan": "applying"}
    await asyncio.gather(work(batch()), work(batch()), work(batch()))
    assert [one[:2] for one in await subscriptions(admin, "elm")] == [("care", 2)]
    own = {"kind": "change", "quantity": 5, "reason": "More shops"}
    [made] = (await admin.api("GET", "/api/v1/clients/elm/subscriptions")).json()["items"]
    changed = await admin.api("POST", f"/api/v1/clients/elm/subscriptions/{made['id']}/steps", own)
    assert changed.status_code in {200, 201}, changed.text
    await work(batch())
    assert [one[:2] for one in await subscriptions(admin, "elm")] == [("care", 5)]


async def limited_key(admin: Visit, *permissions: str) -> dict[str, str]:
    body = {"name": " ".join(permissions), "role": "msp_admin", "permissions": permissions}
    made = await admin.api("POST", "/api/v1/api-keys", body)
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_plan_and_prices_are_changed_by_those_who_may_and_read_by_those_who_may(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    """A key with the rights to templates only, and an operator, who may not read price books."""
    assert (await admin.api("POST", "/api/v1/plans", PLAN)).status_code == 201
    items: dict[str, Any] = {"plan": {"code": "care", "add_ons": {}, "quantity": 1}, "prices": [PRICED]}
    template_id = await save(admin, "Guarded", **items)
    await add_client(admin, "fir", template_id)
    versions, one = f"{API}/{template_id}/versions", "/api/v1/clients/fir/template"
    writer = web_app.visit(msp_setup.host).http
    templates_only = await limited_key(admin, "client_template:read", "client_template:write")
    refused: list[dict[str, Any]] = [
        {"plan": items["plan"], "prices": [PRICED | {"unit_price": "0.01"}]}, {"plan": items["plan"]},
        {"plan": {"code": "care", "quantity": 9}, "prices": [PRICED]}, {"prices": [PRICED]},
    ]  # fmt: skip
    for content in refused:
        answer = await writer.post(versions, json={"content": content}, headers=templates_only)
        assert answer.status_code == 403, content
    assert (await writer.post(API, json={"name": "Mine", "content": items}, headers=templates_only)).status_code == 403
    same = await writer.post(versions, json={"content": items | {"ladder": LADDER}}, headers=templates_only)
    assert same.status_code == 201, same.text

    assert "0.05" in (await admin.api("GET", one)).text
    operator = f"operator-{msp_setup.slug}@example.test"
    await add_member(web_app.services, msp_setup.env.msp_account,
                     NewAccountMember(operator, "Otto", PASSWORD, "msp_operator"))  # fmt: skip
    visit = await web_app.signed_in(msp_setup.host, operator)
    content = (await visit.api("GET", f"{API}/{template_id}")).json()["content"]
    assert (content["plan"], content["prices"], content["ladder"] is None) == (None, [], False)
    for path in (one, f"{one}/update", f"/templates/{template_id}", "/clients/fir/template"):
        answer = await visit.get(path)
        assert (answer.status_code, "0.05" in answer.text) == (200, False), path


@pytest.mark.parametrize("content", [
    {"prices": [PRICED, PRICED]}, {"prices": [PRICED | {"unit_price": "-1"}]}, {"plan": {"code": "Not a code"}},
    {"prices": [PRICED | {"currency": "ZZZ"}]}, {"ladder": {"steps": []}},
    {"ladder": {"steps": [{"about": "approval", "after_minutes": 60, "role": "own_role"}]}},
    {"ladder": {"steps": [{"about": "exception", "after_minutes": 60, "role": "client_admin"}]}},
])  # fmt: skip
async def test_a_malformed_part_is_refused(admin: Visit, content: object) -> None:
    refused = await admin.api("POST", API, {"name": "Bad", "content": content})
    assert refused.status_code in {400, 422}, refused.text
