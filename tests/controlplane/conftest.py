"""What the command line finds in its environment, and a site with an MSP's house on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane.services import Services
from tests.conftest import VAULT_KEYS, Urls
from tests.support.site import House, Site, Visit, furnish, running_site
from tests.support.world import World


@pytest.fixture
def environment(urls: Urls) -> dict[str, str | None]:
    return {
        "DATABASE_URL": urls.owner,
        "DATABASE_APP_URL": urls.app,
        "DATABASE_INTAKE_URL": urls.intake,
        "DATABASE_RELAY_URL": urls.relay,
        "REDIS_URL": urls.redis,
        "FAIRLEAD_SECRET_KEY": "a secret of the tests, 32 bytes long",
        "FAIRLEAD_VAULT_KEYS": VAULT_KEYS,
        "FAIRLEAD_LOG": None,
    }


@pytest.fixture
async def site(services: Services, tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(services, tmp_path / "static") as running:
        yield running


@pytest.fixture
async def house(world: World) -> House:
    return await furnish(world, name="Calm Harbour")


@pytest.fixture
async def admin(site: Site, house: House) -> Visit:
    return await site.signed_in(house.host, house.admin)
