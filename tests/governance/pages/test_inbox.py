"""The inbox: approvals and exceptions of all clients of the MSP, and none of another's."""

import re
from typing import Any

import pytest

from tests.governance.pages.test_search import name_record
from tests.governance.pages.web_app import GovernanceWebApp

API = "/api/v1/inbox"


def rows_of(page: str) -> list[str]:
    return re.findall(r'<tr>\s*(?:<td[^>]*class="[^"]*select.*?</td>\s*)?<td class="lead">.*?</tr>', page, re.DOTALL)


async def fill(busy: GovernanceWebApp) -> None:
    await busy.acme.awaiting("SKU-2", 1000, 2000, severity=37)
    await busy.borealis.awaiting("SKU-3", 1000, 3000, severity=61)
    await busy.borealis.exception("change.refused", "Refused", exposure=200_000)
    await busy.acme.exception("propagation.slo_breached", "Late", exposure=10, channels=1)
    await busy.alien.awaiting("SKU-ALIEN", 1000, 2000)
    await busy.alien.exception("change.refused", "Refused", exposure=200_000)


async def test_the_inbox_lists_items_of_all_clients_with_links(busy: GovernanceWebApp) -> None:
    await fill(busy)
    for path in ("/inbox", "/inbox/rows"):
        page = await busy["operator"].get(path)
        assert page.status_code == 200, page.text
        assert len(rows_of(page.text)) == 4
        assert "SKU-ALIEN" not in page.text
    items = (await busy["operator"].get(API)).json()["items"]
    assert {(item["kind"], item["client"]) for item in items} == {
        ("approval", "acme"), ("approval", "borealis"), ("exception", "acme"), ("exception", "borealis"),
    }  # fmt: skip
    assert sorted(item["due_at"] for item in items) == [item["due_at"] for item in items]
    for href in re.findall(r'id="i-[^"]+" href="([^"]+)"', page.text):
        assert (await busy["operator"].get(href)).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=approval", {("approval", "acme"), ("approval", "borealis")}),
        ("kind=exception&client=acme", {("exception", "acme")}),
        ("client=borealis", {("approval", "borealis"), ("exception", "borealis")}),
        ("client=alien", set()),
    ],
)
async def test_filters_and_counts_agree(busy: GovernanceWebApp, query: str, found: set[tuple[str, str]]) -> None:
    await fill(busy)
    items = (await busy["operator"].get(f"{API}?{query}")).json()["items"]
    assert {(item["kind"], item["client"]) for item in items} == found
    assert len(rows_of((await busy["operator"].get(f"/inbox?{query}")).text)) == len(found)
    if "kind" not in query:
        page = (await busy["operator"].get(f"/inbox?{query}")).text
        counts = re.findall(r'id="count-(?:all|approvals|exceptions)">(\d+)<', page)
        assert int(counts[0]) == int(counts[1]) + int(counts[2]) == len(found)


async def test_items_are_sorted_by_severity(busy: GovernanceWebApp) -> None:
    await fill(busy)
    items = (await busy["operator"].get(f"{API}?sort=-severity")).json()["items"]
    severities = [item["severity"] for item in items]
    assert severities == sorted(severities, reverse=True)
    assert severities[-1] > 0
    worst = (await busy["operator"].get("/inbox?kind=approval&sort=-severity")).text
    assert re.findall(r'<b class="num">(\d+)</b>', worst) == ["61", "37"]
    assert {item["client"]: item["severity"] for item in items if item["kind"] == "approval"} == {
        "acme": 37, "borealis": 61,
    }  # fmt: skip


async def test_items_are_sorted_by_impact_within_each_currency(busy: GovernanceWebApp) -> None:
    await fill(busy)
    await busy.acme.exception("source.quarantined", "Unreadable")
    items = (await busy["operator"].get(f"{API}?sort=-impact")).json()["items"]
    impacts = [item["impact"] and (item["impact"]["currency"], item["impact"]["amount"]) for item in items]
    assert impacts == [("EUR", "20"), ("EUR", "10"), ("USD", "2000"), ("USD", "0.1"), None]
    backwards = (await busy["operator"].get(f"{API}?sort=impact")).json()["items"]
    assert [item["id"] for item in backwards] == [item["id"] for item in reversed(items)]
    page = rows_of((await busy["operator"].get("/inbox?sort=-impact")).text)
    assert ["€20" in page[0], "$2,000" in page[2], "$0.10" in page[3]] == [True, True, True]
    table = (await busy["operator"].get(f"{API}?sort=-impact", accept="text/csv")).text
    assert [line for line in table.splitlines() if ",2000.00,USD," in line]


async def test_items_of_several_clients_are_resolved_at_once_and_others_refused(busy: GovernanceWebApp) -> None:
    await fill(busy)
    items = (await busy["operator"].get(API)).json()["items"]
    ids = {(item["kind"], item["client"]): item["id"] for item in items}
    alien = str(await busy.alien.exception("change.refused", "Another", exposure=1))
    chosen = [ids["exception", "acme"], ids["exception", "borealis"], ids["approval", "acme"], alien]
    form: Any = {"action": "resolve", "id": chosen}
    page = await busy["operator"].post("/inbox?kind=exception", form, page="/inbox")
    assert page.status_code == 200, page.text
    assert "2 resolved" in page.text
    assert "not for this kind" in page.text
    assert "no such item" in page.text
    left = (await busy["operator"].get(API)).json()["items"]
    assert {item["kind"] for item in left} == {"approval"}
    for sample in (busy.acme, busy.borealis):
        closed = "SELECT count(*) FROM governance_exception WHERE tenant_id = :t AND state = 'resolved'"
        assert await sample.count(closed) == 1
        assert await sample.count("SELECT count(*) FROM audit_entry WHERE tenant_id = :t") >= 1
    assert (
        await busy.alien.count("SELECT count(*) FROM governance_exception WHERE tenant_id = :t AND state = 'open'") == 2
    )


async def test_members_without_the_right_change_nothing(busy: GovernanceWebApp) -> None:
    await fill(busy)
    page = await busy["operator"].get("/inbox?kind=approval")
    assert 'value="approve"' not in page.text
    approval = (await busy["operator"].get(f"{API}?kind=approval")).json()["items"][0]["id"]
    answer = await busy["operator"].post("/inbox?kind=approval", {"action": "approve", "id": approval}, page="/inbox")
    assert answer.status_code == 403
    assert len((await busy["operator"].get(f"{API}?kind=approval")).json()["items"]) == 2


async def test_only_the_msps_own_members_have_it(busy: GovernanceWebApp) -> None:
    for name in ("admin", "stranger", "partner"):
        for path in ("/inbox", API, "/inbox.csv"):
            assert (await busy[name].get(path)).status_code in (403, 404)


async def test_it_is_exported(busy: GovernanceWebApp) -> None:
    await fill(busy)
    file = await busy["operator"].get("/inbox.csv")
    assert file.status_code == 200
    lines = file.text.strip().splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("id,kind,client")


async def test_items_are_named_after_their_product(busy: GovernanceWebApp) -> None:
    await fill(busy)
    await name_record(busy.acme, "SKU-2", "Blue kettle")
    await name_record(busy.alien, "SKU-2", "Alien kettle")
    page = (await busy["operator"].get("/inbox")).text
    assert "Blue kettle" in page
    assert "Alien kettle" not in page
    titles = {item["record_key"]: item["record_title"] for item in (await busy["operator"].get(API)).json()["items"]}
    assert (titles["SKU-2"], titles["SKU-3"]) == ("Blue kettle", "")
