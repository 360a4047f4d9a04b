"""One web application for all tests of a file.

A file that imports these fixtures runs in one event loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`. They
replace the usual fixtures of the same names. `shared_services`, `shared_relay_db` and `shared_web_app` are always
needed. In addition the MSP: `shared_env`, `shared_msp` and `shared_admin` for tests that do not affect
others; `own_env`, `own_other_env`, `own_msp_setup` and `own_admin` where each test has MSPs of its own.
"""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from controlplane.services import Services, build_services
from foundation.database.engine import Database
from foundation.mail_settings import MailSettings
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.fixtures_product import settings_of
from tests.support.passwords import hash_cheaply
from tests.support.web_app import MspSetup, Visit, WebApp, running_web_app, set_up_msp


@pytest_asyncio.fixture(name="services", scope="module", loop_scope="module")
async def shared_services(urls: Urls) -> AsyncIterator[Services]:
    built = build_services(settings_of(urls))
    hash_cheaply(built.auth.passwords)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="services", scope="module", loop_scope="module")
async def shared_mailbox_services(urls: Urls) -> AsyncIterator[Services]:
    """Replacement of `shared_services` with the demonstration's mailbox: no mail server, mails are shown."""
    built = build_services(msgspec.structs.replace(settings_of(urls), mail=MailSettings(mailbox=True)))
    hash_cheaply(built.auth.passwords)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="relay_db", scope="module", loop_scope="module")
async def shared_relay_db(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.relay, pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture(name="env", scope="module", loop_scope="module")
async def shared_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="web_app", scope="module", loop_scope="module")
async def shared_web_app(services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebApp]:
    async with running_web_app(services, tmp_path_factory.mktemp("site") / "static") as running:
        yield running


@pytest_asyncio.fixture(name="msp_setup", scope="module", loop_scope="module")
async def shared_msp(env: ClientEnv) -> MspSetup:
    return await set_up_msp(env, name="Calm Harbour")


@pytest_asyncio.fixture(name="admin", scope="module", loop_scope="module")
async def shared_admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)


@pytest_asyncio.fixture(name="env", loop_scope="module")
async def own_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="other_env", loop_scope="module")
async def own_other_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest_asyncio.fixture(name="msp_setup", loop_scope="module")
async def own_msp_setup(env: ClientEnv) -> MspSetup:
    return await set_up_msp(env, name="Calm Harbour")


@pytest_asyncio.fixture(name="admin", loop_scope="module")
async def own_admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)
