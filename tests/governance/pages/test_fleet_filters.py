"""The fleet's tiles are consistent and link to the clients they count."""

import re

import pytest
from sqlalchemy import text

from tests.governance.pages.web_app import GovernanceWebApp


def tiles(page: str) -> dict[str, tuple[str, int]]:
    """Address and number of each tile by its label."""
    found = re.findall(
        r'class="tile"\s+href="([^"]+)">.*?</svg>\s*([^<]+)</span>\s*<span class="tile-value num">([\d,]+)<',
        page,
        re.DOTALL,
    )
    return {label.strip(): (href, int(number.replace(",", ""))) for href, label, number in found}


def clients(page: str) -> list[str]:
    return re.findall(r'id="f-([a-z]+)"', page)


async def test_health_tiles_add_up_to_all_clients(busy: GovernanceWebApp) -> None:
    await busy.borealis.letter("no")
    page = (await busy["operator"].get("/fleet")).text
    shown = tiles(page)
    states = ("At risk", "Need attention", "Healthy", "Onboarding")
    assert sum(shown[state][1] for state in states) == len(clients(page)) == 2


@pytest.mark.parametrize(
    "label", ["At risk", "Need attention", "Healthy", "Onboarding", "Open exceptions", "Late values", "Approvals"]
)
async def test_each_tile_leads_to_the_clients_it_counts(busy: GovernanceWebApp, label: str) -> None:
    await busy.acme.awaiting("SKU-1", 1000, 2000)
    await busy.acme.change("SKU-2", 1000, 1040, states={"Web shop": "pending"}, at=3600)
    await busy.borealis.exception("source.quarantined", "Unreadable")
    href, number = tiles((await busy["operator"].get("/fleet")).text)[label]
    narrowed = await busy["operator"].get(href)
    assert narrowed.status_code == 200
    listed = clients(narrowed.text)
    if label in {"At risk", "Need attention", "Healthy", "Onboarding"}:
        assert len(listed) == number
    else:
        assert bool(listed) is (number > 0)
    assert tiles(narrowed.text)[label] == (href, number)


async def test_the_switcher_lists_own_clients_only(busy: GovernanceWebApp) -> None:
    menu = (await busy["operator"].get("/fleet/switcher")).text
    assert re.findall(r'href="(/clients/[a-z]+)/overview"', menu) == ["/clients/acme", "/clients/borealis"]
    assert (await busy["viewer"].get("/fleet/switcher")).status_code in {403, 404}
    page = (await busy["operator"].get("/clients/acme/overview")).text
    assert re.search(r'<details class="menu switcher">\s*<summary class="account">', page)


async def test_a_client_that_is_not_live_is_in_onboarding_and_not_healthy(busy: GovernanceWebApp) -> None:
    for sample in (busy.borealis, busy.alien):
        async with sample.db.transaction(sample.scope) as session:
            await session.execute(
                text("INSERT INTO onboarding (tenant_id, msp_id, started_at, started_by) VALUES (:t, :m, :now, 'Ada')"),
                {"t": sample.scope.tenant_id, "m": sample.scope.msp_id, "now": sample.now},
            )
    await busy.borealis.letter("no")  # gaps are expected in an onboarding
    page = (await busy["operator"].get("/fleet")).text
    shown = tiles(page)
    assert (shown["Onboarding"], shown["Healthy"][1]) == (("/fleet?show=onboarding", 1), 1)
    assert clients((await busy["operator"].get("/fleet?show=onboarding")).text) == ["borealis"]
    assert clients((await busy["operator"].get("/fleet?show=attention")).text) == []
    listed = (await busy["operator"].get("/api/v1/fleet")).json()["items"]
    assert {one["slug"]: (one["health"], one["is_live"]) for one in listed} == {
        "acme": ("healthy", True), "borealis": ("onboarding", False),
    }  # fmt: skip
    await busy.borealis.exception("source.quarantined", "Unreadable", exposure=200_000)
    listed = (await busy["operator"].get("/api/v1/fleet?show=risk")).json()["items"]
    assert [(one["slug"], one["health"]) for one in listed] == [("borealis", "at risk")]
