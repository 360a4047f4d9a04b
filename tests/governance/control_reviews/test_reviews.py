"""Control reviews of clients: their days, evidence and signatures."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from controlplane.jobs import build_jobs
from foundation.clock import utc_now
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.worker import LaneWorker
from governance.control_reviews.dates import next_day
from governance.control_reviews.findings import write_finding
from governance.control_reviews.job_types import COLLECT_EVIDENCE, LANE
from governance.control_reviews.review import watch_reviews
from governance.control_reviews.schemas import ControlFinding
from governance.control_reviews.states import ReviewCadence, ReviewControl
from tests.governance.control_reviews.reviewed import open_review
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

TIMES: list[dict[str, int | str]] = [{}, {"at": "2026-11-30T12:00:00+00:00"}]
DAYS = st.dates(date(2020, 1, 1), date(2090, 1, 1))


@given(DAYS, st.sampled_from(ReviewCadence), DAYS)
def test_the_next_day_is_the_first_of_the_recurrence_since_a_day(
    starts_on: date, cadence: ReviewCadence, since: date
) -> None:
    found = next_day(starts_on, cadence, since=since)
    months = (found.year - starts_on.year) * 12 + found.month - starts_on.month
    assert found >= max(since, starts_on)
    assert months % cadence.months == 0
    assert found.day == starts_on.day or (found + timedelta(days=1)).day == 1
    assert found <= max(since, starts_on) + timedelta(days=31 * cadence.months)


@pytest.mark.parametrize("control", ReviewControl)
def test_every_control_has_a_sentence_for_what_was_found_and_for_what_is_missing(control: ReviewControl) -> None:
    every: dict[str, int | str] = {
        "contracts": 2, "unowned": 1, "orphaned": 0, "version": 3, "active": 4, "unseen": 1, "open": 2, "overdue": 1,
        "entries": 9, "head": "ab", "broken_at": 5,
    }  # fmt: skip
    written = {
        write_finding(ControlFinding(control, is_met, {**every, **at})).detail
        for is_met in (True, False)
        for at in TIMES
    }
    assert not any("{" in sentence for sentence in written)
    assert len(written) == {ReviewControl.CONTRACTS: 1, ReviewControl.ACCESS: 1}.get(control, 2)


async def work(env: ClientEnv) -> None:
    """Run the job that collects the evidence, as its timer does."""
    async with env.services.db.transaction(env.scope) as session:
        enqueue(session, [NewJob(LANE, COLLECT_EVIDENCE, key="evidence")])
    worker = LaneWorker(
        env.services.db, env.services.ready_queue, build_jobs(env.services), pool="shared",
        metrics=env.services.lane_metrics, lease=60,
    )  # fmt: skip
    await worker.run_lane(env.scope.msp_id, env.scope.tenant_id, LANE)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_review_opens_with_its_evidence_and_is_signed_once(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    page, api = f"/clients/{msp_setup.slug}/control-reviews", f"/api/v1/clients/{msp_setup.slug}/control-reviews"
    assert (await admin.api("GET", api)).json() == {"schedule": None, "items": []}
    for days in ("0", "91", "00900"):
        assert (await admin.post(f"{page}/schedule", {"cadence": "monthly", "days": days})).status_code == 422, days
    assert (await admin.post(f"{page}/schedule", {"cadence": "monthly", "days": "5"})).status_code == 303
    for _ in range(2):
        await work(env)
    found = (await admin.api("GET", api)).json()
    [review] = found["items"]
    assert (review["state"], review["due_on"]) == ("open", (utc_now().date() + timedelta(days=5)).isoformat())
    assert found["schedule"]["next_on"] > review["scheduled_on"]
    findings = {one["control"]: one for one in review["findings"]}
    assert list(findings) == [str(one) for one in ReviewControl]
    assert (findings["audit"]["is_met"], findings["contracts"]["is_met"], findings["access"]["is_met"]) == (
        True, True, True,
    )  # fmt: skip
    assert (findings["backup"]["is_met"], findings["backup"]["detail"]) == (False, "No backup is recorded.")
    one = f"{page}/{review['id']}"
    assert "No backup is recorded." in (await admin.get(one)).text
    csv = await admin.get(f"{one}/evidence.csv")
    assert len(csv.text.splitlines()) == 1 + len(findings)
    stale = {"note": "Known", "collected_at": "2026-01-01T00:00:00Z"}
    refused = await admin.api("POST", f"{api}/{review['id']}/signature", stale)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "evidence-changed")
    assert (await admin.post(f"{one}/signature", {"note": " "})).status_code == 422
    for path in ("", f"/{review['id']}", f"/{review['id']}/evidence.csv"):
        assert (await foreign.get(f"{page}{path}")).status_code == 404
    own = f"/api/v1/clients/{other.slug}/control-reviews/{review['id']}"
    assert (await foreign.api("GET", own)).status_code == 404
    assert (await foreign.api("POST", f"{own}/signature", {"note": "Mine"})).status_code == 404
    assert (await foreign.api("GET", "/api/v1/control-reviews")).json()["items"] == []
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(one)).status_code == 403
    form = {"note": "First backup tonight", "collected_at": review["collected_at"]}
    signed = await admin.post(f"{one}/signature", form)
    assert signed.status_code == 303
    assert (await admin.api("POST", f"{api}/{review['id']}/signature", {"note": "Again"})).status_code == 409
    await work(env)
    fixed = (await admin.api("GET", f"{api}/{review['id']}")).json()
    assert (fixed["state"], fixed["note"], fixed["findings"]) == ("signed", "First backup tonight", review["findings"])
    assert fixed["collected_at"] == review["collected_at"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_overdue_review_is_notified_once_and_listed_for_all_clients(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    review_id = await open_review(env.services.db, env.scope, age=timedelta(days=3))
    async with env.services.db.transaction(env.scope) as session:
        await watch_reviews(session, utc_now())
        waits = "SELECT count(*) FROM timer WHERE name = 'governance.collect_evidence' AND tenant_id = :t"
        assert await session.scalar(text(waits), {"t": env.scope.tenant_id}) == 1
    for _ in range(2):
        await work(env)
    async with env.services.db.transaction(env.scope) as session:
        sent = "SELECT count(*) FROM job WHERE tenant_id = :t AND payload ->> 'kind' = 'control_review.overdue'"
        assert await session.scalar(text(sent), {"t": env.scope.tenant_id}) == 1
    [row] = (await admin.api("GET", "/api/v1/control-reviews?status=overdue")).json()["items"]
    assert (row["id"], row["client"], row["is_overdue"]) == (str(review_id), msp_setup.slug, True)
    assert "is overdue" in (await admin.get(f"/clients/{msp_setup.slug}/control-reviews")).text
