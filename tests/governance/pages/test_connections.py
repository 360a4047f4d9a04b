"""Connections, contracts, the partner's page and the audit trail."""

import asyncio
import re

import pytest

from connectors.models import Connection
from foundation.audit.chain import append_audit
from foundation.jobs.enqueue import NewJob, enqueue
from governance.job_types import PUSH, push_lane
from tests.conftest import Urls
from tests.governance.pages.samples import system_text
from tests.governance.pages.web_app import GovernanceWebApp
from tests.support.tampering import tamper_as_owner

CONNECTIONS = "/clients/acme/connections"
CHANNEL = "/clients/acme/channel"
AUDIT = "/clients/acme/audit"


async def test_a_client_without_connections_sees_an_empty_state(web_app: GovernanceWebApp) -> None:
    page = await web_app["viewer"].get(CONNECTIONS)
    assert page.status_code == 200, page.text
    assert "No connections yet" in page.text
    assert "Nothing published yet" in page.text


async def test_connections_show_their_health_and_waiting_jobs(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    shop = acme.channels["Web shop"]
    async with acme.db.transaction(acme.scope) as session:
        failing = await session.get(Connection, (acme.scope.tenant_id, shop))
        assert failing is not None
        failing.last_failure_at, failing.last_error = acme.ago(5), system_text("The shop answered <b>503</b>.")
        enqueue(session, [NewJob(push_lane(shop), PUSH, f"k{number}") for number in range(3)])
    await busy.borealis.connection("Of Borealis")
    for path in (CONNECTIONS, f"{CONNECTIONS}/rows"):
        page = (await busy["viewer"].get(path)).text
        found = re.findall(r'class="lead">\s*<a [^>]*>([^<]+?)</a>(.*?)</tr>', page, re.DOTALL)
        rows = {row[0]: row[1] for row in found}
        assert "Failing" in rows["Web shop"]
        assert "The shop answered &lt;b&gt;503&lt;/b&gt;." in rows["Web shop"]
        assert re.search(r'data-label="Pending jobs"[^>]*>\s*<div>\s*3\b', rows["Web shop"])
        assert "Working" in rows["Harbour market"]
        assert "Harbour Retail" in rows["Harbour market"]
        assert "No webhook yet" in rows["Central ERP"]
        assert "Of Borealis" not in page


async def test_contracts_show_source_owner_and_both_clocks(busy: GovernanceWebApp) -> None:
    page = (await busy["viewer"].get(CONNECTIONS)).text
    for shown in (
        "List price",
        "Stock on hand",
        "Cost",
        "Pricing",
        "Operations",
        "Finance",
        "30\N{NO-BREAK SPACE}s",
        "4\N{NO-BREAK SPACE}h",
    ):
        assert shown in page
    assert (await busy["partner"].get(CONNECTIONS)).status_code == 403
    assert (await busy["stranger"].get(CONNECTIONS)).status_code == 404


async def test_a_partner_sees_its_own_channel_and_nothing_else(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "accepted", "Harbour market": "verified"}
    await busy.acme.change("SKU-both", 1000, 1040, states=states, at=5)
    await busy.acme.change("SKU-shop", 1000, 1041, states={"Web shop": "verified"}, at=6)
    await busy.acme.change("SKU-market", 1000, 1042, states={"Harbour market": "accepted"}, at=7)
    await busy.acme.cost("SKU-both", 321)
    for path in (CHANNEL, f"{CHANNEL}/rows", f"{CHANNEL}/values"):
        page = await busy["partner"].get(path)
        assert page.status_code == 200, page.text
        assert "SKU-both" in page.text
        assert "SKU-shop" not in page.text
        assert "Web shop" not in page.text
        assert "3.21" not in page.text
    rows = (await busy["partner"].get(f"{CHANNEL}/rows")).text
    assert "SKU-market" in rows
    assert "Accepted, not visible yet" in rows
    assert re.search(r"Changes, 24 h</span>\s*<span[^>]*>2<", rows)
    assert "10.40" in (await busy["partner"].get(f"{CHANNEL}/values")).text


async def test_a_partner_without_a_channel_sees_an_empty_state(web_app: GovernanceWebApp) -> None:
    page = (await web_app["partner"].get(CHANNEL)).text
    assert "No channel is connected for you yet" in page
    assert "No changes yet" in page
    assert "No values yet" in (await web_app["partner"].get(f"{CHANNEL}/values")).text


async def test_a_partners_pages_lead_through_all_its_rows(busy: GovernanceWebApp) -> None:
    for number in range(60):
        await busy.acme.change(f"SKU-{number:02}", 10, 11, states={"Harbour market": "verified"}, at=100 + number)
    for start in (CHANNEL, f"{CHANNEL}/values"):
        seen: list[str] = []
        path = start
        while path:
            page = (await busy["partner"].get(path)).text
            seen += re.findall(r'class="lead nowrap">.*?(SKU-\d\d)', page, re.DOTALL)
            following = re.search(rf'href="({re.escape(start)}\?cursor=[^"]+)"\s+rel="next"', page)
            path = following[1] if following else ""
        assert seen == [f"SKU-{number:02}" for number in range(60)]


async def test_the_partner_page_of_another_client_is_not_found(busy: GovernanceWebApp) -> None:
    assert (await busy["partner"].get("/clients/borealis/channel")).status_code == 404


async def test_the_audit_trail_is_listed_filtered_and_verified(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    async with acme.db.transaction(acme.scope) as session:
        data = {"record_key": "SKU-1", "new": 1040, "currency": "EUR", "owner": "<i>"}
        append_audit(session, action="change.released", subject="change:1", data=data, at=acme.now)
    page = await busy["admin"].get(AUDIT)
    assert page.status_code == 200, page.text
    recorded = "change.released · change:1 · currency EUR, new 1040, owner &lt;i&gt;, record key SKU-1"
    for shown in (
        "Change released",
        "New: €10.40, owner &lt;i&gt;",
        recorded,
        "Policy published",
    ):
        assert shown in page.text
    only = (await busy["admin"].get(f"{AUDIT}?subject=change:1")).text
    assert "change.released" in only
    assert "policy.published" not in only
    assert "Verified" in (await busy["admin"].get(f"{AUDIT}?verify=yes")).text
    assert "No entries" in (await busy["admin"].get(f"{AUDIT}?subject=nothing")).text


async def test_a_broken_chain_is_reported_prominently(busy: GovernanceWebApp, urls: Urls) -> None:
    shift = "UPDATE audit_head SET seq = seq + 1 WHERE tenant_id = %(t)s"
    await asyncio.to_thread(tamper_as_owner, urls.owner, shift, t=busy.acme.scope.tenant_id)
    assert "Verification failed" in (await busy["admin"].get(f"{AUDIT}?verify=yes")).text


async def test_the_audit_trail_is_for_administrators_of_this_account(busy: GovernanceWebApp) -> None:
    assert (await busy["viewer"].get(AUDIT)).status_code == 403
    assert (await busy["partner"].get(AUDIT)).status_code == 403
    assert (await busy["stranger"].get(AUDIT)).status_code == 404
    assert (await busy["staff"].get(AUDIT)).status_code == 200


CONTRACTS = "/clients/acme/contracts"
CONTRACT_API = "/api/v1/clients/acme/contracts"
SELECTED = {"element": "stock.on_hand", "selector": "location=Lager Nord", "owner": "Warehouse"}


async def test_the_api_publishes_and_removes_a_contract_that_selects_values(busy: GovernanceWebApp) -> None:
    admin, source = busy["admin"], str(busy.acme.source)
    new = SELECTED | {"source_connection_id": source, "propagation_slo": "PT1M"}
    made = await admin.call(CONTRACT_API, new, page=CONNECTIONS)
    expected = {"element": "stock.on_hand", "selector": "location=Lager%20Nord", "version": 1}
    assert (made.status_code, made.json()) == (201, expected)
    [listed] = (await admin.get(f"{CONTRACT_API}?selector=location%3DLager%2520Nord")).json()["items"]
    assert (listed["element"], listed["owner"], listed["source_connection_id"], listed["is_shared"]) == (
        "stock.on_hand", "Warehouse", source, True,
    )  # fmt: skip
    both = (await admin.get(f"{CONTRACT_API}?element=stock.on_hand")).json()["items"]
    assert [each["selector"] for each in both] == ["", "location=Lager%20Nord"]
    csv = (await admin.get(f"{CONTRACT_API}?element=stock.on_hand", accept="text/csv")).text
    assert "location=Lager%20Nord" in csv
    overlapping = await admin.call(CONTRACT_API, new | {"selector": "record_key=A*"}, page=CONNECTIONS)
    assert (overlapping.status_code, overlapping.json()["field"]) == (422, "selector")
    for wrong, status in (
        ({"element": "\x00"}, 404), ({"selector": "record_key=A*"}, 404), ({"selector": "\x00"}, 422),
        ({"selector": "A*"}, 422),
    ):  # fmt: skip
        gone = {"element": "stock.on_hand", "selector": "location=Lager%20Nord"} | wrong
        assert (await admin.call(f"{CONTRACT_API}/remove", gone, page=CONNECTIONS)).status_code == status
    gone = {"element": "stock.on_hand", "selector": " location = Lager Nord"}
    removed = await admin.call(f"{CONTRACT_API}/remove", gone, page=CONNECTIONS)
    assert (removed.status_code, removed.json()) == (200, {"owner": "Operations", "source_connection_id": source})
    assert (await admin.call(f"{CONTRACT_API}/remove", gone, page=CONNECTIONS)).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"element": "stock.nothing"}, "element"),
        ({"element": "stock.\x00"}, "element"),
        ({"owner": " "}, "owner"),
        ({"selector": "currency=EUR"}, "selector"),
        ({"propagation_slo": "PT0S"}, "propagation_slo"),
        ({"correction_slo": "P9999D"}, "propagation_slo"),
        ({"decision_slo": "P3D"}, "decision_slo"),
    ],
)
async def test_a_wrong_contract_is_refused_with_its_field(
    busy: GovernanceWebApp, wrong: dict[str, str], field: str
) -> None:
    new = SELECTED | {"source_connection_id": str(busy.acme.source)} | wrong
    refused = await busy["admin"].call(CONTRACT_API, new, page=CONNECTIONS)
    assert (refused.status_code, refused.json().get("field")) == (422, field), refused.text


async def test_a_contract_names_only_a_source_of_the_account_that_reports_the_element(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    for source, status in ((busy.acme.channels["Web shop"], 422), (busy.borealis.source, 404)):
        new = SELECTED | {"source_connection_id": str(source)}
        assert (await admin.call(CONTRACT_API, new, page=CONNECTIONS)).status_code == status


async def test_only_administrators_publish_and_only_in_their_account(busy: GovernanceWebApp) -> None:
    new = SELECTED | {"source_connection_id": None}
    for reader in ("approver", "viewer", "operator"):
        assert (await busy[reader].call(CONTRACT_API, new, page=CONNECTIONS)).status_code == 403, reader
        assert "Publish a contract" not in (await busy[reader].get(CONNECTIONS)).text
    stranger, at_home = busy["stranger"], "/clients/borealis/connections"
    assert (await stranger.call(CONTRACT_API, new, page=at_home)).status_code == 404
    assert (await stranger.post(CONTRACTS, {}, page=at_home)).status_code == 404
    assert (await busy["staff"].call(CONTRACT_API, new, page=CONNECTIONS)).status_code == 201
    gone = {"element": "stock.on_hand", "selector": "location=Lager%20Nord"}
    assert (await stranger.call("/api/v1/clients/borealis/contracts/remove", gone, page=at_home)).status_code == 404
    assert len((await busy["viewer"].get(CONTRACT_API)).json()["items"]) == 4


async def test_the_page_publishes_shows_and_removes_a_contract(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    form = SELECTED | {
        "source_connection_id": str(busy.acme.source), "publish_seconds": "60", "decide_hours": "1,5",
        "correct_hours": "4",
    }  # fmt: skip
    for wrong in ({"selector": "brand=<b>"}, {"publish_seconds": "nan"}, {"source_connection_id": "x"}):
        refused = await admin.post(CONTRACTS, form | wrong, page=CONNECTIONS)
        assert (refused.status_code, "data-shown" in refused.text) == (422, True), wrong
        assert "Warehouse" in refused.text, "what was typed is kept"
    assert (await admin.post(CONTRACTS, form, page=CONNECTIONS)).status_code == 303
    page = (await admin.get(CONNECTIONS)).text
    assert "Location: Lager Nord" in page
    assert "All others" in page
    assert "Lager Nord" in (await busy["viewer"].get("/clients/acme/overview")).text
    gone = {"element": "stock.on_hand", "selector": "location=Lager%20Nord"}
    assert (await admin.post(f"{CONTRACTS}/remove", gone, page=CONNECTIONS)).status_code == 303
    refused = await admin.post(f"{CONTRACTS}/remove", gone | {"selector": ""}, page=CONNECTIONS)
    assert refused.status_code == 422
    assert "All others" not in (await admin.get(CONNECTIONS)).text
