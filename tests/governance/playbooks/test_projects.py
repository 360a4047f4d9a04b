"""Playbooks and the onboarding projects of clients: gates, evidence, stuck tasks, and assessments."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from controlplane.jobs import build_jobs
from foundation.clock import utc_now
from foundation.errors import InvalidInput
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.worker import LaneWorker
from governance.connections.lists import CONTRACTS
from governance.playbooks.content import parse_playbook, write_playbook
from governance.playbooks.example import example_playbook
from governance.playbooks.gates_job import watch_gates
from governance.playbooks.job_types import CHECK_GATES
from governance.playbooks.work import list_tasks
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

HEAD = "phase,gate,workstream,task,role,days,evidence\n"
CSV = HEAD + "Assess,Signed,Data,Name owners,Client,0,Signed list\nGo live,,People,Hand over,MSP,5,\n"
API = "/api/v1/playbooks"


async def start(visit: Visit, slug: str, *, starts_on: str = "2026-01-05", csv: str = CSV) -> dict[str, Any]:
    saved = await visit.api("POST", API, {"name": "Usual", "csv": csv})
    assert saved.status_code == 201, saved.text
    body = {"playbook_id": saved.json()["playbook_id"], "starts_on": starts_on}
    started = await visit.api("POST", f"/api/v1/clients/{slug}/project", body)
    assert started.status_code == 201, started.text
    found: dict[str, Any] = started.json()
    return found


def test_the_example_is_a_playbook_and_survives_its_csv() -> None:
    found = example_playbook()
    assert found.phases == ["Assess", "Connect", "Govern", "Prove", "Go live"]
    assert parse_playbook(write_playbook(found)) == found


@pytest.mark.parametrize("csv", [
    "", "phase,task\nA,b\n", HEAD, HEAD + "A,,,b,,x,\n", HEAD + "A,,,b,,-1,\n", HEAD + ",,,b,,1,\n",
    HEAD + "A,,,,,1,\n",
    HEAD + "A,,,b,,1,\nB,,,c,,1,\nA,,,d,,1,\n", HEAD + "A,,,b,,9999,\n", HEAD + '"A,,,b,,1,\n',
    HEAD + "A,,,b,,1\n", HEAD + "A\x00,,,b,,1,\n", HEAD + f"A,,,{'b' * 201},,1,\n", HEAD + "A,,,b,,1,\n" * 201,
])  # fmt: skip
def test_an_invalid_playbook_file_is_refused(csv: str) -> None:
    with pytest.raises(InvalidInput):
        parse_playbook(csv)


def test_a_gate_that_several_rows_name_is_one_task() -> None:
    rows = (
        "A,Ready,,one,,1,,,prices\nA,Ready,,two,,3,,,prices\nA,Tested,,three,,2,,,credentials\nB,Live,,four,,4,,,live\n"
    )
    found = list_tasks(parse_playbook(HEAD.strip() + ",fact,gate_fact\n" + rows))
    assert [(one.task, one.days) for one in found] == [
        ("one", 1), ("two", 3), ("three", 2), ("Ready", 3), ("Tested", 3), ("four", 4), ("Live", 4),
    ]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_a_gate_and_missing_evidence_hold_a_task_back(admin: Visit, msp_setup: MspSetup) -> None:
    page, api = f"/clients/{msp_setup.slug}/project", f"/api/v1/clients/{msp_setup.slug}/project"
    assert (await admin.api("GET", api)).status_code == 404
    assert "No playbooks yet" in (await admin.get(page)).text
    view = await start(admin, msp_setup.slug)
    [owners], [hand_over] = [phase["tasks"] for phase in view["phases"]]
    assert [owners["due_on"], hand_over["due_on"]] == ["2026-01-05", "2026-01-10"]
    gated = await admin.api("PATCH", f"{api}/tasks/{hand_over['id']}", {"state": "done"})
    assert (gated.status_code, gated.json()["type"].rpartition("/")[2]) == (409, "gate-closed")
    unproven = await admin.post(f"{page}/tasks/{owners['id']}", {"state": "done", "owner": "Ada"})
    assert unproven.status_code == 409
    assert "Signed list" in unproven.text
    wrong = await admin.api("POST", f"{api}/tasks/{owners['id']}/evidence", {"kind": "link", "text": "javascript:x"})
    assert wrong.status_code == 422
    evidence = {"kind": "link", "text": "https://files.example.com/list"}
    assert (await admin.post(f"{page}/tasks/{owners['id']}/evidence", evidence)).status_code == 303
    assert (await admin.api("PATCH", f"{api}/tasks/{owners['id']}", {"state": "done"})).status_code == 204
    assert (await admin.api("PATCH", f"{api}/tasks/{owners['id']}", {"state": "blocked"})).status_code == 409
    no_reason = await admin.api("PATCH", f"{api}/tasks/{hand_over['id']}", {"state": "blocked"})
    assert (no_reason.status_code, no_reason.json()["field"]) == (422, "reason")
    again = await admin.api("POST", api, {"playbook_id": (await admin.api("GET", API)).json()["items"][0]["id"]})
    assert again.status_code == 409
    done = (await admin.api("GET", api)).json()
    assert (done["done"], done["phases"][0]["is_passed"], done["phases"][1]["tasks"][0]["is_gated"]) == (1, True, False)
    assert done["phases"][0]["tasks"][0]["evidence"][0]["text"] == evidence["text"]
    assert "https://files.example.com/list" in (await admin.get(page)).text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_fact_decides_a_task_and_a_gate_and_can_be_waived_with_a_reason(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    facts = "Connect,All tested,Data,Publish contracts,Client,0,,contracts,credentials\n"
    rest = "Go live,,People,Hand over,MSP,5,,,\nGo live,Live,People,Invite,MSP,5,,invoice_details,live\n"
    view = await start(admin, msp_setup.slug, csv=HEAD.strip() + ",fact,gate_fact\n" + facts + rest)
    [contracts, tested], [hand_over, invoice, live] = [phase["tasks"] for phase in view["phases"]]
    assert (contracts["state"], contracts["fact"]["path"]) == ("done", "/contracts")
    assert contracts["fact"]["at"]
    assert (tested["title"], tested["state"], invoice["state"], live["state"]) == ("All tested", "open", "open", "open")
    page, api = f"/clients/{msp_setup.slug}/project", f"/api/v1/clients/{msp_setup.slug}/project"
    ticked = await admin.api("PATCH", f"{api}/tasks/{tested['id']}", {"state": "done"})
    assert (ticked.status_code, ticked.json()["type"].rpartition("/")[2]) == (409, "fact-decides")
    assert (await admin.api("PATCH", f"{api}/tasks/{hand_over['id']}", {"state": "done"})).status_code == 409
    stuck = (await admin.api("GET", "/api/v1/onboarding-tasks")).json()["items"]
    assert [(one["title"], bool(one["fact"])) for one in stuck] == [
        ("All tested", True), ("Hand over", False), ("Invite", True), ("Live", True),
    ]  # fmt: skip
    assert (await admin.post(f"{page}/tasks/{tested['id']}/waiver", {"reason": " "})).status_code == 422
    assert (await admin.api("PUT", f"{api}/tasks/{live['id']}/waiver", {"reason": "Soon"})).status_code == 409
    assert (await admin.api("PUT", f"{api}/tasks/{hand_over['id']}/waiver", {"reason": "Soon"})).status_code == 404
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    own = f"/api/v1/clients/{other.slug}/project/tasks/{tested['id']}/waiver"
    assert (await foreign.api("PUT", own, {"reason": "Mine"})).status_code == 404
    waived = await admin.post(f"{page}/tasks/{tested['id']}/waiver", {"reason": "Tested by phone"})
    assert waived.status_code == 303
    assert "Tested by phone" in (await admin.get(page)).text
    assert (await admin.api("GET", api)).json()["phases"][0]["is_passed"]
    assert (await admin.api("PATCH", f"{api}/tasks/{hand_over['id']}", {"state": "done"})).status_code == 204
    assert (await admin.api("DELETE", f"{api}/tasks/{tested['id']}/waiver")).status_code == 204
    assert not (await admin.api("GET", api)).json()["phases"][0]["is_passed"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_gate_that_follows_facts_is_passed_once_even_if_nobody_looks(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    tasks = "Connect,,Data,Publish contracts,Client,0,,contracts,\nGo live,,People,Invoice,MSP,5,,invoice_details,\n"
    for visit, slug in ((admin, msp_setup.slug), (foreign, other.slug)):
        view = await start(visit, slug, csv=HEAD.strip() + ",fact,gate_fact\n" + tasks)
        assert [(one["is_passed"], one["passed_at"]) for one in view["phases"]] == [(True, None), (False, None)]
    async with env.services.db.transaction(env.scope) as session:
        await watch_gates(session, utc_now())
        waits = "SELECT count(*) FROM timer WHERE name = 'governance.check_gates' AND tenant_id = :t"
        assert await session.scalar(text(waits), {"t": env.scope.tenant_id}) == 1
    for _ in range(2):
        async with env.services.db.transaction(env.scope) as session:
            enqueue(session, [NewJob("gates", CHECK_GATES, key="gates")])
        worker = LaneWorker(
            env.services.db, env.services.ready_queue, build_jobs(env.services), pool="shared",
            metrics=env.services.lane_metrics, lease=60,
        )  # fmt: skip
        await worker.run_lane(env.scope.msp_id, env.scope.tenant_id, "gates")
    api = f"/api/v1/clients/{msp_setup.slug}/project"
    passed, ahead = (await admin.api("GET", api)).json()["phases"]
    assert (passed["passed_at"] is not None, ahead["passed_at"]) == (True, None)
    assert "Passed " in (await admin.get(f"/clients/{msp_setup.slug}/project")).text
    async with env.services.db.transaction(env.scope) as session:
        query = "SELECT count(*) FROM job WHERE tenant_id = :t AND payload ->> 'kind' = :kind"
        for kind in ("project.gate_passed", "project.task_stuck"):
            assert await session.scalar(text(query), {"t": env.scope.tenant_id, "kind": kind}) == 1
        noted = "SELECT title FROM onboarding_task WHERE tenant_id = :t AND stuck_noted"
        assert list(await session.scalars(text(noted), {"t": env.scope.tenant_id})) == ["Invoice"]
    async with other_env.services.db.transaction(other_env.scope) as session:
        assert list(await session.scalars(text(noted), {"t": other_env.scope.tenant_id})) == []
    theirs = (await foreign.api("GET", f"/api/v1/clients/{other.slug}/project")).json()["phases"]
    assert [one["passed_at"] for one in theirs] == [None, None]


@pytest.mark.asyncio(loop_scope="module")
async def test_stuck_tasks_are_listed_across_clients_by_reason(admin: Visit, msp_setup: MspSetup) -> None:
    view = await start(admin, msp_setup.slug, starts_on="2099-01-01")
    [owners], [hand_over] = [phase["tasks"] for phase in view["phases"]]
    api = f"/api/v1/clients/{msp_setup.slug}/project"
    await admin.api("PATCH", f"{api}/tasks/{owners['id']}", {"state": "blocked", "reason": "No list.", "owner": "Ada"})
    await admin.api("PATCH", f"{api}/tasks/{hand_over['id']}", {"owner": "Ben", "due_on": "2026-01-01"})

    async def listed(problem: str) -> list[str]:
        found = await admin.api("GET", f"/api/v1/onboarding-tasks?problem={problem}")
        return [one["title"] for one in found.json()["items"]]

    assert await listed("") == ["Hand over", "Name owners"]
    assert (await listed("blocked"), await listed("overdue"), await listed("unowned")) == (
        ["Name owners"], ["Hand over"], [],
    )  # fmt: skip
    page = await admin.get("/onboarding-tasks?owner=ada")
    assert "No list." in page.text
    assert "Hand over" not in page.text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_gate_needs_four_sponsors_and_an_objective(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    tasks = "Assess,Sponsors,Data,Objective,MSP,0,,objective,sponsors\n"
    await start(foreign, other.slug, csv=HEAD.strip() + ",fact,gate_fact\n" + tasks)
    await start(admin, msp_setup.slug, csv=HEAD.strip() + ",fact,gate_fact\n" + tasks)
    page, api = f"/clients/{msp_setup.slug}/project", f"/api/v1/clients/{msp_setup.slug}/project"
    sponsors = {"commerce": "Cy", "operations": "Ola", "it": "Ivy", "channels": ""}
    assert (await admin.post(f"{page}/sponsors", sponsors)).status_code == 303
    view = (await admin.api("GET", api)).json()
    assert view["sponsors"] == sponsors
    details = [(one["state"], one["fact"]["detail"]) for one in view["phases"][0]["tasks"]]
    assert details == [("open", "No objective is chosen."), ("open", "Not named: Channels.")]
    gate = view["phases"][0]["tasks"][1]["id"]
    assert (await admin.api("PUT", f"{api}/tasks/{gate}/waiver", {"reason": "Soon"})).status_code == 409
    listed = (await admin.api("GET", "/api/v1/onboarding-tasks")).json()["items"]
    assert [one["title"] for one in listed] == ["Objective", "Sponsors"]
    wrong = await admin.api("PUT", f"{api}/objective", {"target": "By March"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "objective")
    assert (await admin.post(f"{page}/objective", {"objective": "margin", "target": "x" * 201})).status_code == 422
    assert (await admin.post(f"{page}/objective", {"objective": "margin", "target": "By March"})).status_code == 303
    assert not (await admin.api("GET", api)).json()["phases"][0]["is_passed"]
    chosen = {"objective": "margin", "target": "By March", "first_journey": "prices"}
    assert (await admin.api("PUT", f"{api}/objective", chosen)).status_code == 204
    await admin.api("PUT", f"{api}/sponsors", {**sponsors, "channels": "Cy"})
    assert (await admin.api("GET", api)).json()["phases"][0]["is_passed"]
    assert (await admin.api("GET", "/api/v1/onboarding-tasks")).json()["items"] == []
    assert len((await foreign.api("GET", "/api/v1/onboarding-tasks")).json()["items"]) == 2
    theirs = (await foreign.api("GET", f"/api/v1/clients/{other.slug}/project")).json()
    assert theirs["objective"]["objective"] is None
    [row] = (await admin.api("GET", f"/api/v1/clients/{msp_setup.slug}/assessment")).json()["objectives"]
    assert (row["label"], row["first_journey"], row["channels"]) == ("Protected margin", "prices", "Cy")


@pytest.mark.asyncio(loop_scope="module")
async def test_the_assessment_lists_owners_systems_and_risks_and_exports_them(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    await start(admin, msp_setup.slug)
    found = (await admin.api("GET", f"/api/v1/clients/{msp_setup.slug}/assessment")).json()
    owned = next(one for one in found["ownership"] if one["element"] == PRICE)
    assert owned["owner"] == "Pricing"
    assert len(found["integrations"]) == 3
    assert list(dict.fromkeys(one["risk"] for one in found["risks"])) == [
        "accountability", "integration", "data_quality", "automation", "service_model",
    ]  # fmt: skip
    assert "“Name owners” was due on 2026-01-05." in [one["finding"] for one in found["risks"]]
    page = await admin.get(f"/clients/{msp_setup.slug}/assessment")
    assert "Risk register" in page.text
    prices = next(one for one in found["processes"] if one["element"] == PRICE)
    assert (prices["source"], len(prices["channels"]), prices["approvers"]) == (owned["source"], 2, ["any approver"])
    assert 'aria-labelledby="process-map-title process-map-about"' in page.text
    drawing = await admin.get(f"/clients/{msp_setup.slug}/assessment/process-map.svg")
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert all(f"<title>{name}</title>" in drawing.text for name in prices["channels"])
    async with env.services.db.transaction(env.scope) as session:
        short = msgspec.structs.replace(CONTRACTS, usual=1, most=1)
        assert await short.load_all(session, utc_now()) == await CONTRACTS.load_most(session, utc_now())
    for part in ("objectives", "ownership", "processes", "integrations", "risks"):
        file = await admin.get(f"/clients/{msp_setup.slug}/assessment/{part}.csv")
        assert file.headers["content-type"].startswith("text/csv")
        assert len(file.text.splitlines()) == len(found[part]) + 1
    assert (await admin.get(f"/clients/{msp_setup.slug}/assessment/secrets.csv")).status_code == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_projects_and_playbooks_are_the_msps_own(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    view = await start(admin, msp_setup.slug)
    playbook_id = (await admin.api("GET", API)).json()["items"][0]["id"]
    assert (await foreign.api("GET", API)).json()["items"] == []
    assert (await foreign.api("GET", "/api/v1/onboarding-tasks")).json()["items"] == []
    assert (await foreign.api("GET", f"{API}/{playbook_id}")).status_code == 404
    own = f"/api/v1/clients/{other.slug}/project"
    assert (await foreign.api("POST", own, {"playbook_id": playbook_id})).status_code == 404
    task = view["phases"][0]["tasks"][0]["id"]
    assert (await foreign.api("PATCH", f"{own}/tasks/{task}", {"owner": "Eve"})).status_code == 404
    evidence = {"kind": "note", "text": "x"}
    assert (await foreign.api("POST", f"{own}/tasks/{task}/evidence", evidence)).status_code == 404
    for path in ("project", "assessment", "assessment/risks.csv", "assessment/process-map.svg"):
        assert (await foreign.get(f"/clients/{msp_setup.slug}/{path}")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/clients/{msp_setup.slug}/project")).status_code == 403
