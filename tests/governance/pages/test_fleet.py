"""The fleet: every client of the MSP, worst first, and none of another's."""

import re

from governance.fleet.hours import shown_until
from tests.governance.pages.web_app import GovernanceWebApp
from tests.tenants.conftest import NOW


async def test_clients_are_sorted_by_severity(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "pending"}, at=5)
    await busy.acme.awaiting("SKU-2", 1000, 2000)
    await busy.borealis.exception("change.refused", "Refused", exposure=200_000)
    await busy.borealis.change("SKU-3", 1000, 1040, states={"Web shop": "accepted"}, at=3600)
    await busy.borealis.letter("no")
    await busy.alien.exception("propagation.slo_breached", "Late", exposure=200_000, channels=3)
    await busy.borealis.fail("Far market", at=60)
    for path in ("/fleet", "/fleet/rows"):
        page = await busy["operator"].get(path)
        assert page.status_code == 200, page.text
        rows = re.findall(r'<tr>\s*<td class="lead">.*?</tr>', page.text, re.DOTALL)
        assert [("Borealis" in row, "Acme" in row) for row in rows] == [(True, False), (False, True)]
        assert "At risk" in rows[0]
        assert 'href="/clients/borealis/dead-letters">1 failed job<' in rows[0]
        assert 'href="/clients/borealis/connections">1 connection failing<' in rows[0]
        assert "Needs attention" in rows[1]
        assert 'href="/clients/acme/approvals">1<' in rows[1]
        assert "0%" in rows[1]
        assert "0 of 1<" in rows[1]


async def test_page_and_api_show_the_same_health(busy: GovernanceWebApp) -> None:
    await busy.acme.exception("change.refused", "Refused", exposure=200_000)
    await busy.borealis.fail("Far market", at=60)
    page = (await busy["operator"].get("/fleet")).text
    shown = re.findall(r'id="f-(\w+)".*?class="badge.*?<span>([^<]+)</span></span>', page, re.DOTALL)
    clients = (await busy["operator"].get("/api/v1/fleet")).json()["items"]
    assert [(client["slug"], client["health"]) for client in clients] == [
        ("acme", "at risk"),
        ("borealis", "needs attention"),
    ]
    assert shown == [(client["slug"], client["health"].capitalize()) for client in clients]
    assert [(client["exceptions"], client["worst"], client["failing"]) for client in clients] == [
        (1, "critical", 0),
        (0, "", 1),
    ]


async def test_the_chart_counts_each_clients_changes_in_their_complete_hour(busy: GovernanceWebApp) -> None:
    end = (NOW - shown_until(NOW)).total_seconds()
    for ago in (end - 5, end + 5, end + 10, end + 7_200):  # the first is in an hour that is not shown yet
        await busy.acme.change(f"SKU-{ago}", 1000, 1040, states={"Web shop": "verified"}, at=ago)
    await busy.borealis.change("SKU-1", 1000, 1040, states={"Web shop": "verified"}, at=end + 7_200)
    await busy.borealis.change("SKU-2", 1000, 1040, states={"Web shop": "verified"}, at=end + 90_000)
    await busy.alien.change("SKU-3", 1000, 1040, states={"Web shop": "verified"}, at=end + 5)
    for path in ("/fleet", "/fleet/chart"):
        page = (await busy["operator"].get(path)).text
        hours = re.findall(
            r'<tr><th scope="row">[^<]+</th><td class="num">(\d+)</td><td class="num">(\d+)</td></tr>', page
        )
        assert len(hours) == 24
        assert [hour for hour in hours if hour != ("0", "0")] == [("1", "1"), ("2", "0")]
        assert re.search(r"As of <time[^>]*>[^<]+</time>, next at <time", page)


async def test_clocks_that_ran_out_count_before_their_job_has_run_and_after(busy: GovernanceWebApp) -> None:
    late = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "accepted"}, at=3600)
    await busy.acme.exception("propagation.slo_breached", "Late", channels=1, channel="Web shop", change=late)
    rows = (await busy["operator"].get("/fleet/rows")).text
    assert re.search(r"Late values</span>\s*<span[^>]*>1<", rows)
    assert ">As of <time" in rows


async def test_only_the_msps_own_members_have_a_fleet(busy: GovernanceWebApp) -> None:
    for name in ("admin", "stranger", "partner"):
        assert (await busy[name].get("/fleet")).status_code in (403, 404)
