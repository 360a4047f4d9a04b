"""The escalation ladder: the roles of its steps are notified of overdue items, once for each step."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec import convert
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.jobs import schedule_rating
from canonical.elements import PRICE
from controlplane.provisioning import NewAccountMember, add_member, onboard_client
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope
from governance.escalations.ladder import set_ladder
from governance.escalations.pause import record_pause
from governance.escalations.schemas import EscalationStep
from governance.job_types import REACH_ESCALATIONS
from policy.approvals import ApprovalRequest, request_approvals
from policy.roles import RoleContent, create_role
from tests.support.as_owner import update_as_owner
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
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

LADDER: dict[str, Any] = {
    "steps": [
        {"about": "approval", "after_minutes": 60, "role": "client_approver"},
        {"about": "exception", "after_minutes": 120, "role": "msp_admin", "least_severity": 30},
    ]
}
_DUE = "due_at = now() - interval '1 s'"


@pytest_asyncio.fixture(loop_scope="module")
async def approver(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.approver)


async def propose_price(env: ClientEnv, sku: str) -> str:
    """A price without a known cost, which needs approval. Returns the change's id."""
    await env.deliver(env.change(sku, PRICE, 1000))
    await env.work(settle=0.5)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE record_key = :sku", sku=sku)
    return str(change_id)


async def pass_by(env: ClientEnv, hours: int) -> None:
    """Move the beginning of approvals into the past, and run the timer."""
    update_as_owner(env, "approval", "waiting_since = waiting_since - %(by)s", by=timedelta(hours=hours))
    await reach(env)


async def reach(env: ClientEnv) -> None:
    update_as_owner(env, "timer", _DUE, "kind = %(kind)s", kind=REACH_ESCALATIONS.name)
    await env.work(settle=0.5)


async def escalated(visit: Visit, root: str = "") -> int:
    """Unread causes of escalated approvals."""
    answer = await visit.api("GET", f"/api/v1{root}/notifications?status=unread")
    return sum(one["number"] for one in answer.json()["items"] if one["kind"] == "approval.escalated")


async def test_a_waiting_approval_is_escalated_once_for_each_step_until_it_is_answered(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    change = await propose_price(env, "SKU-001")
    address = f"/api/v1{root}/approvals/{change}/escalations"
    before = (await approver.get(address)).json()
    assert (before["reached"], before["next"]["role"]) == ([], "client_approver")
    await pass_by(env, 5)
    await reach(env)
    assert await escalated(approver, root) == 1
    assert await escalated(admin) == 0
    found = (await approver.get(address)).json()
    assert [(one["role"], len(one["notified"])) for one in found["reached"]] == [("client_approver", 1)]
    assert found["next"]["role"] == "client_admin"
    assert (await approver.get(f"{root}/approvals/{change}")).text.count("Client admin, ") == 1
    shown = (await approver.get(f"{root}/approvals/{change}")).text
    assert shown.index("Escalated to Client approver") < shown.index("Approval requested")
    inbox = (await admin.get("/api/v1/inbox?escalated=yes")).json()["items"]
    assert [(one["change_id"], one["escalations"]) for one in inbox] == [(change, 1)]
    assert 'id="count-all">1<' in (await admin.get("/inbox?escalated=yes")).text
    await pass_by(env, 20)  # nobody is client_admin, so the service provider's administrator is notified, too
    assert await escalated(admin) == 1
    answer = {"grant": False, "reason": "no"}
    answered = await approver.api("POST", f"/api/v1{root}/changes/{change}/answer", answer)
    assert answered.status_code == 202, answered.text
    await pass_by(env, 90)
    found = (await approver.get(address)).json()
    assert (len(found["reached"]), found["next"]) == (2, None)
    theirs = await set_up_msp(other_env, name="Other")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    assert await escalated(stranger) == 0
    assert (await stranger.get(f"/api/v1/clients/{theirs.slug}/approvals/{change}/escalations")).status_code == 404
    assert (await stranger.get("/api/v1/inbox?escalated=yes")).json()["items"] == []


async def test_an_approval_that_is_requested_again_keeps_its_place_on_the_ladder(
    msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    change = await propose_price(env, "SKU-001")
    other = await propose_price(other_env, "SKU-001")
    await pass_by(env, 5)
    assert await escalated(approver, root) == 1
    address = f"/api/v1{root}/approvals/{change}/escalations"
    first = (await approver.get(address)).json()
    for of, subject in ((env, change), (other_env, other)):
        async with of.services.db.transaction(of.scope) as session:
            request = ApprovalRequest("change", UUID(subject), b"n" * 32, 1, "source", utc_now() + timedelta(days=1))
            [again] = await request_approvals(session, of.scope, requests=[request], now=utc_now(), new_id=new_id)
            await session.execute(
                text("UPDATE change SET approval_id = :a WHERE tenant_id = :t AND id = :id"),
                {"a": again, "t": of.scope.tenant_id, "id": UUID(subject)},
            )
    assert (await approver.get(address)).json() == first
    await reach(env)
    assert await escalated(approver, root) == 1
    assert [one["escalations"] for one in (await admin.get("/api/v1/inbox?escalated=yes")).json()["items"]] == [1]
    assert "Not escalated." not in (await approver.get(f"{root}/approvals/{change}")).text
    foreign = await other_env.rows("SELECT wait_id = :id FROM approval WHERE state = 'pending'", id=change)
    assert [row[0] for row in foreign] == [False]


async def test_a_step_may_be_for_severe_approvals_only(msp_setup: MspSetup, env: ClientEnv, approver: Visit) -> None:
    root = f"/clients/{msp_setup.slug}"
    change = await propose_price(env, "SKU-001")
    [(found_severity,)] = await env.rows("SELECT severity FROM approval WHERE subject_id = :id", id=UUID(change))
    severity = int(str(found_severity))
    assert severity > 20
    steps: list[dict[str, Any]] = [
        {"about": "approval", "after_minutes": 60, "role": "client_approver", "least_severity": severity + 1},
        {"about": "approval", "after_minutes": 90, "role": "client_approver", "least_severity": severity},
        {"about": "approval", "after_minutes": 30 * 24 * 60, "role": "client_admin"},
    ]
    async with env.services.db.transaction(env.scope) as session:
        await set_ladder(session, convert(steps, list[EscalationStep]), now=utc_now())
    await pass_by(env, 5)
    found = (await approver.get(f"/api/v1{root}/approvals/{change}/escalations")).json()
    assert [one["after_minutes"] for one in found["reached"]] == [90]
    assert found["next"]["role"] == "client_admin"


async def test_a_clients_own_ladder_replaces_that_of_its_msp(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv, admin: Visit
) -> None:
    mine, all_clients = f"/api/v1/clients/{msp_setup.slug}/escalation-ladder", "/api/v1/escalation-ladder"
    theirs = await set_up_msp(other_env, name="Other")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    await propose_price(env, "SKU-001")
    update_as_owner(env, "approval", "waiting_since = waiting_since - interval '2 h'")
    assert (await admin.get(mine)).json()["source"] == "default"
    saved = await admin.api("PUT", all_clients, LADDER)
    assert saved.status_code == 204, saved.text
    assert [one["open_now"] for one in (await admin.get(all_clients)).json()["steps"]] == [1, 0]
    await replace(env, scope=env.msp_account).work()
    assert (await admin.get(mine)).json()["source"] == "msp"
    await onboard_client(env.services, env.msp_account, name="Later", slug="later-one", currency="EUR")
    assert (await admin.get("/api/v1/clients/later-one/escalation-ladder")).json()["source"] == "msp"
    assert (await stranger.get(f"/api/v1/clients/{theirs.slug}/escalation-ladder")).json()["source"] == "default"
    own = {"steps": [{"about": "approval", "after_minutes": 30, "role": "client_viewer"}]}
    preview = await admin.api("POST", f"{mine}/preview", own)
    assert [(one["open_now"], one["may_answer"]) for one in preview.json()] == [(1, False)]
    assert (await admin.api("PUT", mine, own)).status_code == 204
    found = (await admin.get(mine)).json()
    assert (found["source"], [one["role"] for one in found["replaced"]]) == ("own", ["client_approver", "msp_admin"])
    listed = (await admin.get(all_clients)).json()
    assert [one["client"] for one in listed["own_ladders"]] == [msp_setup.slug]
    assert [one["open_now"] for one in listed["steps"]] == [0, 0]
    assert (await admin.api("DELETE", mine)).status_code == 204
    assert (await admin.get(mine)).json()["source"] == "msp"
    for path in (mine, f"{mine}/preview"):
        assert (await stranger.api("PUT" if path == mine else "POST", path, own)).status_code == 404


async def test_a_ladder_names_roles_that_its_account_composed_and_no_others_of_the_same_code(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    same = new_id()
    role = f"role_{same.hex}"

    async def compose(scope: Scope, name: str) -> UUID:
        """Returns a member with the role."""
        ids = iter([same])
        content = RoleContent(name, ["approval:read", "exception:read"])
        async with env.services.db.transaction(scope) as session:
            await create_role(session, content, clock=utc_now, new_id=lambda: next(ids, None) or new_id())
        member = NewAccountMember(f"{same.hex}-{name[:3]}@example.test".lower(), name, PASSWORD, role)
        return await add_member(env.services, scope, member)

    night, day = await compose(env.msp_account, "Night desk"), await compose(env.scope, "Day desk")
    mine, all_clients = f"/api/v1/clients/{msp_setup.slug}/escalation-ladder", "/api/v1/escalation-ladder"
    step = {"about": "approval", "after_minutes": 60, "role": role}
    saved = await admin.api("PUT", all_clients, {"steps": [step | {"role_name": "Forged"}]})
    assert saved.status_code == 204, saved.text
    assert "Night desk of the service provider" in (await admin.get("/escalations")).text
    theirs = await set_up_msp(other_env, name="Other")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    assert (await stranger.api("PUT", all_clients, {"steps": [step]})).status_code in {400, 422}
    await replace(env, scope=env.msp_account).work()
    shown = [(await admin.get(one)).json()["steps"][0] for one in (all_clients, mine)]
    label = "Night desk of the service provider"
    assert [(one["role_label"], one["members"]) for one in shown] == [(label, 1), (label, None)]
    change = await propose_price(env, "SKU-001")
    await pass_by(env, 5)
    assert (await admin.api("PUT", mine, {"steps": [step]})).status_code == 204
    assert [(one["role_label"], one["members"]) for one in (await admin.get(mine)).json()["steps"]] == [("Day desk", 1)]
    await reach(env)
    reached = (await approver.get(f"/api/v1/clients/{msp_setup.slug}/approvals/{change}/escalations")).json()["reached"]
    assert [one["role_label"] for one in reached] == [label, "Day desk"]
    assert [one["notified"] for one in reached] == [[str(night)], [str(day)]]


async def test_a_ladder_that_is_saved_while_a_client_is_created_reaches_it(
    monkeypatch: pytest.MonkeyPatch, env: ClientEnv, admin: Visit
) -> None:
    """The job that copies the ladder lists the clients before the new one exists."""

    async def save_meanwhile(session: AsyncSession, due_at: datetime) -> None:
        await schedule_rating(session, due_at)
        assert (await admin.api("PUT", "/api/v1/escalation-ladder", LADDER)).status_code == 204
        await replace(env, scope=env.msp_account).work()

    monkeypatch.setattr("governance.onboarding.create_client.schedule_rating", save_meanwhile)
    await onboard_client(env.services, env.msp_account, name="Racing", slug="racing", currency="EUR")
    assert (await admin.get("/api/v1/clients/racing/escalation-ladder")).json()["source"] == "msp"


@pytest.mark.parametrize(
    "step",
    [
        {"about": "exception", "after_minutes": 60, "role": "client_admin"},
        {"about": "approval", "after_minutes": 60, "role": "partner"},
        {"about": "approval", "after_minutes": 60, "role": "client_admin", "least_severity": 10},  # no step for all
        {"about": "approval", "after_minutes": 1, "role": "client_admin"},
    ],
)
async def test_invalid_ladders_are_refused(msp_setup: MspSetup, admin: Visit, step: dict[str, Any]) -> None:
    """Also a ladder without a step about approvals, because each must be escalated."""
    answer = await admin.api("PUT", "/api/v1/escalation-ladder", {"steps": [step]})
    assert answer.status_code in {400, 422}, answer.text


async def test_the_page_previews_saves_and_returns(msp_setup: MspSetup, env: ClientEnv, admin: Visit) -> None:
    await propose_price(env, "SKU-001")
    update_as_owner(env, "approval", "waiting_since = waiting_since - interval '2 h'")
    path = f"/clients/{msp_setup.slug}/escalations"
    form = {"about": "approval", "after": "1", "unit": "hours", "role": "client_approver", "least_severity": "0"}
    shown = await admin.post(path, form | {"action": "preview"})
    assert shown.status_code == 200
    assert "Nothing is saved yet" in shown.text
    assert (await admin.post(path, form | {"action": "save"})).status_code == 303
    assert "own ladder" in (await admin.get(path)).text
    assert "at least one" in (await admin.post(path, form | {"about": "exception", "action": "save"})).text.lower()
    assert (await admin.post(path, {"action": "reset"})).status_code == 303
    assert "Nobody has set another one" in (await admin.get(path)).text


async def test_time_of_a_suspension_does_not_count(msp_setup: MspSetup, env: ClientEnv, approver: Visit) -> None:
    root, now = f"/clients/{msp_setup.slug}", utc_now()
    await propose_price(env, "SKU-001")
    async with env.services.db.transaction(env.scope) as session:
        await record_pause(session, now - timedelta(hours=4), now)
    await pass_by(env, 5)
    assert await escalated(approver, root) == 0
    await pass_by(env, 3)
    assert await escalated(approver, root) == 1
