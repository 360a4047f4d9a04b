"""A client's month: changes by decision, two clocks against their targets, exceptions, people, usage."""

import csv
import io
from datetime import timedelta

from sqlalchemy import text

from governance.exception_types import ExceptionType
from policy.models import ApprovalRow
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp

ROOT = "/clients/acme/months"
DAY = 86_400.0
MIDNIGHT = 33.5 * 3600
"""From midnight of the first of March, in UTC, to the present of these tests."""


async def answer(sample: Sample, record: str, by: str, *, hours: float, due_hours: float = 24) -> None:
    """A change that a person approved so many hours after its proposal, on the day before."""
    change = await sample.awaiting(record, 1000, 2000, at=DAY)
    async with sample.db.transaction(sample.scope) as session:
        asked = sample.ago(DAY)
        answered = asked + timedelta(hours=hours)
        await session.execute(
            text("UPDATE change SET state = 'released', decided_at = :at WHERE id = :id"),
            {"id": change, "at": answered},
        )
        row = await session.scalar(text("SELECT id FROM approval WHERE subject_id = :id"), {"id": change})
        approval = await session.get_one(ApprovalRow, (sample.scope.tenant_id, row))
        approval.state, approval.decided_by, approval.decided_at = "used", by, answered
        approval.due_at = asked + timedelta(hours=due_hours)


async def test_a_month_is_counted_by_decision_and_clock_beside_the_month_before(busy: GovernanceWebApp) -> None:
    acme, viewer = busy.acme, busy["viewer"]
    shop = {"Web shop": "verified"}
    await acme.change("SKU-1", 1000, 1040, states=shop, at=3600, took=2)
    await acme.change("SKU-2", 1000, 1040, states=shop, at=7200, took=3600)
    await acme.change("SKU-3", 1000, 9000, state="refused", outcome="refuse", at=60)
    await acme.awaiting("SKU-4", 1000, 2000)
    await answer(acme, "SKU-5", str(viewer.member_id), hours=2)
    await answer(acme, "SKU-6", str(viewer.member_id), hours=20, due_hours=10)
    await acme.exception(ExceptionType.CHANGE_REFUSED, "Refused", state="resolved", at=600)
    await acme.exception(ExceptionType.CHANGE_REFUSED, "Refused", at=500)
    for number in range(3):
        await acme.change(f"OLD-{number}", 1000, 1040, states=shop, at=3 * DAY)
    await busy.borealis.change("SKU-1", 1000, 1040, states=shop, at=60)
    await busy.alien.change("SKU-1", 1000, 1040, states=shop, at=60)

    report = (await viewer.get(f"/api/v1{ROOT}/2026-03")).json()
    month, before = report["figures"], report["before"]
    assert (report["time_zone"], report["is_complete"]) == ("UTC", False)
    assert month["changes"] == {
        "proposed": 6, "automatic": 2, "approved": 2, "declined": 0, "refused": 1, "expired": 0, "superseded": 0,
        "awaiting": 1,
    }  # fmt: skip
    assert (month["deliveries"]["number"], month["deliveries"]["late"]) == (2, 1)
    assert month["deliveries"]["in_time_pct"] == "50.00"
    assert (month["decisions"]["number"], month["decisions"]["late"]) == (2, 1)
    assert month["decisions"]["half_s"] == 11 * 3600
    [channel] = month["channels"]
    assert (channel["channel"], channel["element"], channel["target_most_s"]) == ("Web shop", "price.list", 30)
    [found] = month["exceptions"]
    assert (found["opened"], found["open"], found["closing"]["half_s"]) == (2, 1, 599)
    [person] = month["reviewers"]
    assert (person["name"], person["approved"], person["declined"]) == ("Viewer", 2, 0)
    assert (before["month"], before["changes"]["proposed"], before["deliveries"]["late"]) == ("2026-02", 3, 0)

    page = (await viewer.get(f"{ROOT}/2026-03")).text
    for shown in ("Acme in March 2026", "50%", "30", "February 2026", "Approvals by person", "So far"):
        assert shown in page, shown
    lines = list(csv.DictReader(io.StringIO((await viewer.get(f"{ROOT}/2026-03/report.csv")).text)))
    assert {
        "month": "2026-03",
        "section": "changes",
        "subject": "",
        "part": "",
        "figure": "approved",
        "value": "2",
    } in lines
    assert {one["month"] for one in lines} == {"2026-03", "2026-02"}


async def test_months_begin_by_the_clients_clocks(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, at=MIDNIGHT - 1800)
    proposed = [await count(busy, month) for month in ("2026-02", "2026-03")]
    assert proposed == [0, 1]
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        await session.execute(text("UPDATE client SET time_zone = 'America/New_York'"))
    proposed = [await count(busy, month) for month in ("2026-02", "2026-03")]
    assert proposed == [1, 0], "half past midnight in UTC is still February there"
    assert "America/New_York" in (await busy["viewer"].get(f"{ROOT}/2026-03")).text


async def count(busy: GovernanceWebApp, month: str) -> int:
    report = (await busy["viewer"].get(f"/api/v1{ROOT}/{month}")).json()
    return int(report["figures"]["changes"]["proposed"])


async def test_months_are_listed_and_an_empty_one_says_so(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, at=40 * DAY)
    months = (await busy["operator"].get(f"/api/v1{ROOT}")).json()["months"]
    assert [(one["month"], one["is_complete"]) for one in months] == [
        ("2026-03", False), ("2026-02", True), ("2026-01", True),
    ]  # fmt: skip
    listed = (await busy["viewer"].get(ROOT)).text
    assert f'href="{ROOT}/2026-01"' in listed
    assert "Nothing happened in this month" in (await busy["viewer"].get(f"{ROOT}/2026-02")).text
    assert f'href="{ROOT}"' in (await busy["viewer"].get("/clients/acme/overview")).text


async def test_who_may_read_a_month_and_which_there_are(busy: GovernanceWebApp) -> None:
    for month, status in (("2026-04", 404), ("2026-13", 422), ("x", 422)):
        assert (await busy["viewer"].get(f"/api/v1{ROOT}/{month}")).status_code == status, month
    for path in (ROOT, f"{ROOT}/2026-03", f"{ROOT}/2026-03/report.csv", f"/api/v1{ROOT}/2026-03"):
        assert (await busy["stranger"].get(path)).status_code == 404
        assert (await busy["partner"].get(path)).status_code == 403
