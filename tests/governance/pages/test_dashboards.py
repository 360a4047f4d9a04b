"""Dashboards: tiles by role and permission, arranged by each member, with defaults of the account and of the MSP."""

import re
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.rooms import ROOMS
from foundation.dashboard_tiles import TileArea
from governance.dashboards import defaults
from governance.overview import tiles as overview_tiles
from tests.governance.pages.web_app import GovernanceWebApp

_CLIENT = "/clients/acme/dashboard"


def shown(page: str) -> list[str]:
    return re.findall(r'data-tile="([a-z_.]+)"', page)


async def arrange(app: GovernanceWebApp, who: str, root: str = _CLIENT, **form: str) -> Any:
    return await app[who].post(f"{root}/edit", form, page=f"{root}/edit")


async def write(app: GovernanceWebApp, who: str, path: str, body: object, method: str = "PUT") -> Any:
    page = {"staff": "/dashboard/edit", "stranger": "/clients/borealis/dashboard/edit"}.get(who, f"{_CLIENT}/edit")
    return await app[who].call(path, body, page=page, method=method)


@pytest.mark.parametrize("area", list(TileArea))
def test_layouts_of_roles_name_tiles_that_exist(area: TileArea) -> None:
    tiles = [tile.code for tile in ROOMS.every(lambda room: room.tiles) if tile.area is area]
    assert len(set(tiles)) == len(tiles)
    for kind in defaults._LAYOUTS[area]:
        assert {choice.code for choice in defaults.role_layout(area, [f"client_{kind}"])} <= set(tiles)


async def test_each_tile_of_both_dashboards_is_read_and_leads_to_its_list(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "pending"}, at=5)
    await busy.acme.awaiting("SKU-2", 1000, 2000)
    await busy.acme.exception("change.refused", "Refused", exposure=200_000)
    await busy.acme.letter("no")
    for who, root, area in (("staff", "", TileArea.MSP), ("admin", "/clients/acme", TileArea.CLIENT)):
        layout = (await busy[who].get(f"/api/v1{root}/dashboard/layout")).json()
        codes = [one["code"] for one in layout["available"]]
        every = {tile.code for tile in ROOMS.every(lambda room: room.tiles) if tile.area is area}
        assert every - set(codes) <= {
            "onboarding.stuck",
            "onboarding.open",
        }  # see tests/controlplane/test_dashboards.py
        body = {"tiles": [{"code": code, "size": "wide"} for code in codes]}
        saved = await write(busy, who, f"/api/v1{root}/dashboard/layout", body)
        assert saved.status_code == 204, saved.text
        tiles = (await busy[who].get(f"/api/v1{root}/dashboard")).json()["tiles"]
        assert [tile["code"] for tile in tiles] == codes
        assert [tile["code"] for tile in tiles if tile["failed"]] == []
        page = await busy[who].get(f"{root}/dashboard")
        assert shown(page.text) == codes
        for tile in tiles:
            assert f'href="{root}{tile["path"]}"' in page.text.replace("&amp;", "&")
            if tile["code"].startswith(("invoices.", "revenue.")):
                continue  # this application has no billing: see tests/controlplane/test_dashboards.py
            answer = await busy[who].get(root + tile["path"])
            assert answer.status_code == 200, tile["path"]
            for row in tile["rows"]:
                assert (await busy[who].get(root + row["path"])).status_code == 200, row
    figures = {tile["code"]: tile for tile in tiles}
    assert figures["overview.approvals"]["value"] == 1
    assert figures["dead_letters.open"]["value"] == 1
    assert figures["exceptions.worst"]["rows"][0]["text"]


async def test_tiles_are_added_moved_sized_and_removed_by_buttons(busy: GovernanceWebApp) -> None:
    before = shown((await busy["viewer"].get(_CLIENT)).text)
    assert len(before) > 3
    for form in (
        {"action": "add", "tile": "exceptions.worst", "size": "full"},
        {"action": "down", "tile": before[0]},
        {"action": "up", "tile": before[2]},
        {"action": "remove", "tile": before[3]},
        {"action": "resize", "tile": before[1], "size": "wide"},
    ):
        assert (await arrange(busy, "viewer", **form)).status_code == 303, form
    expected = [before[1], before[2], before[0], *before[4:], "exceptions.worst"]
    page = (await busy["viewer"].get(_CLIENT)).text
    assert shown(page) == expected
    assert f'class="is-wide" data-tile="{before[1]}"' in page
    assert 'class="is-full" data-tile="exceptions.worst"' in page
    assert shown((await busy["approver"].get(_CLIENT)).text) != expected  # it is the viewer's own
    assert (await arrange(busy, "viewer", action="reset")).status_code == 303
    assert shown((await busy["viewer"].get(_CLIENT)).text) == before


@pytest.mark.parametrize(
    "form",
    [
        {"action": "add", "tile": "fleet.risk", "size": "small"},  # another dashboard's
        {"action": "add", "tile": "dead_letters.open", "size": "small"},  # no permission
        {"action": "add", "tile": "overview.changes", "size": "small"},  # it is there
        {"action": "add", "tile": "overview.latest", "size": "huge"},
        {"action": "up", "tile": "dead_letters.open"},
        {"action": "explode", "tile": "overview.changes"},
        {},
    ],
)
async def test_edits_that_cannot_be_made_are_refused_and_change_nothing(
    busy: GovernanceWebApp, form: dict[str, str]
) -> None:
    before = shown((await busy["viewer"].get(_CLIENT)).text)
    answer = await arrange(busy, "viewer", **form)
    assert answer.status_code == 422, answer.text
    assert shown((await busy["viewer"].get(_CLIENT)).text) == before


async def test_defaults_apply_to_members_without_an_arrangement_and_are_set_by_administrators(
    busy: GovernanceWebApp,
) -> None:
    path = "/api/v1/clients/acme/dashboard/layout"
    body = {"tiles": [{"code": "overview.latest", "size": "full"}], "whose": "account"}
    assert (await write(busy, "viewer", path, body)).status_code == 403
    assert (await write(busy, "stranger", path, body)).status_code == 404
    assert (await write(busy, "admin", path, body | {"whose": "clients"})).status_code == 404
    assert (await write(busy, "admin", path, body)).status_code == 204
    assert shown((await busy["viewer"].get(_CLIENT)).text) == ["overview.latest"]
    assert shown((await busy["stranger"].get("/clients/borealis/dashboard")).text) != ["overview.latest"]
    assert shown((await busy["staff"].get(_CLIENT)).text) != ["overview.latest"]  # staff have their own
    assert (await arrange(busy, "viewer", action="add", tile="overview.changes", size="small")).status_code == 303
    assert shown((await busy["viewer"].get(_CLIENT)).text) == ["overview.latest", "overview.changes"]
    assert (await write(busy, "admin", f"{path}?whose=account", None, "DELETE")).status_code == 204
    assert (await busy["admin"].get(path)).json()["source"] == "role"


async def test_staff_arrange_their_tiles_once_for_all_clients(busy: GovernanceWebApp) -> None:
    done = await arrange(busy, "operator", action="add", tile="overview.latest", size="wide")
    assert done.status_code == 303, re.findall(r"<p>.*?</p>", done.text)
    layouts = [shown((await busy["operator"].get(f"/clients/{one}/dashboard")).text) for one in ("acme", "borealis")]
    assert layouts[0] == layouts[1]
    assert layouts[0][-1] == "overview.latest"
    assert "overview.latest" not in shown((await busy["operator"].get("/dashboard")).text)


async def test_only_tiles_that_the_reader_may_see_are_shown(busy: GovernanceWebApp) -> None:
    codes = [
        one["code"] for one in (await busy["viewer"].get("/api/v1/clients/acme/dashboard/layout")).json()["available"]
    ]
    assert "dead_letters.open" not in codes
    assert "overview.changes" in codes
    assert (await busy["partner"].get(_CLIENT)).status_code in {403, 404}
    assert (await busy["stranger"].get(_CLIENT)).status_code == 404
    assert (await busy["viewer"].get("/dashboard")).status_code in {403, 404}


async def test_a_tile_that_fails_leaves_the_others(busy: GovernanceWebApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(session: AsyncSession, **_: object) -> None:
        await session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(overview_tiles, "read_latest", broken)
    answer = await busy["viewer"].get(_CLIENT)
    assert answer.status_code == 200
    assert answer.text.count("This tile could not be read") == 1
    tiles = (await busy["viewer"].get("/api/v1/clients/acme/dashboard")).json()["tiles"]
    assert [tile["code"] for tile in tiles if tile["failed"]] == ["overview.latest"]
    assert len(tiles) > 3
