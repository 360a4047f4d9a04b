"""Dashboards of the whole product: every tile, and the MSP's default in its clients' accounts."""

from dataclasses import replace
from typing import Any

import pytest

from controlplane.provisioning import onboard_client
from controlplane.rooms import ROOMS
from foundation.dashboard_tiles import TileArea
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


def codes(area: TileArea) -> set[str]:
    return {tile.code for tile in ROOMS.every(lambda room: room.tiles) if tile.area is area}


async def test_every_tile_is_read_in_the_whole_product(msp_setup: MspSetup, admin: Visit) -> None:
    for root, area in (("", TileArea.MSP), (f"/clients/{msp_setup.slug}", TileArea.CLIENT)):
        wanted = [{"code": code, "size": "small"} for code in sorted(codes(area))]
        saved = await admin.api("PUT", f"/api/v1{root}/dashboard/layout", {"tiles": wanted})
        assert saved.status_code == 204, saved.text
        tiles = (await admin.get(f"/api/v1{root}/dashboard")).json()["tiles"]
        assert {tile["code"] for tile in tiles} == codes(area)
        assert [tile["code"] for tile in tiles if tile["failed"]] == []
        for tile in tiles:
            assert (await admin.get(root + tile["path"])).status_code == 200, tile["path"]


async def source(visit: Visit, slug: str) -> tuple[str, list[str]]:
    found = (await visit.get(f"/api/v1/clients/{slug}/dashboard/layout?whose=account")).json()
    return found["source"], [tile["code"] for tile in found["tiles"]]


async def test_the_default_for_all_clients_reaches_those_of_the_msp_only(
    web_app: WebApp, env: ClientEnv, other_env: ClientEnv, msp_setup: MspSetup, admin: Visit
) -> None:
    theirs = await set_up_msp(other_env, name="Other")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    body: dict[str, Any] = {"tiles": [{"code": "overview.latest", "size": "full"}], "whose": "clients"}
    assert (await admin.api("PUT", "/api/v1/dashboard/layout", body)).status_code == 204
    await replace(env, scope=env.msp_account).work()
    assert await source(admin, msp_setup.slug) == ("msp", ["overview.latest"])
    assert (await source(stranger, theirs.slug))[0] == "role"
    later = await onboard_client(env.services, env.msp_account, name="Later", slug="later-one", currency="EUR")
    assert await source(admin, "later-one") == ("msp", ["overview.latest"]), later
    assert (await admin.api("DELETE", "/api/v1/dashboard/layout?whose=clients")).status_code == 204
    await replace(env, scope=env.msp_account).work()
    assert (await source(admin, msp_setup.slug))[0] == "role"
