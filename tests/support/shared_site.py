"""The site and its house once for all tests of a file, for tests that change nothing that another looks at.

A file that imports these fixtures, all of them, runs in one event loop:
`pytestmark = pytest.mark.asyncio(loop_scope="module")`. They replace the usual fixtures of the same names.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from controlplane.services import Services, build_services
from foundation.database.engine import Database
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.fixtures_product import settings_of
from tests.support.passwords import hash_cheaply
from tests.support.web_app import House, Visit, WebApp, furnish, running_site


@pytest_asyncio.fixture(name="services", scope="module", loop_scope="module")
async def shared_services(urls: Urls) -> AsyncIterator[Services]:
    built = build_services(settings_of(urls))
    hash_cheaply(built.auth.passwords)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="relay_db", scope="module", loop_scope="module")
async def shared_relay_db(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.relay, pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture(name="world", scope="module", loop_scope="module")
async def shared_world(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="site", scope="module", loop_scope="module")
async def shared_site(services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebApp]:
    async with running_site(services, tmp_path_factory.mktemp("site") / "static") as running:
        yield running


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="module")
async def shared_house(world: ClientEnv) -> House:
    return await furnish(world, name="Calm Harbour")


@pytest_asyncio.fixture(name="admin", scope="module", loop_scope="module")
async def shared_admin(site: WebApp, house: House) -> Visit:
    return await site.signed_in(house.host, house.admin)
