"""Fixtures of the whole product: its composition, clients on sandbox systems, the web application.

Imports are inside the fixtures: the composition imports every room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.services import Services
    from foundation.database.engine import Database
    from foundation.settings import Settings
    from tests.conftest import Urls
    from tests.connectors.running import RunningSandbox
    from tests.support.client_env import ClientEnv
    from tests.support.web_app import MspSetup, WebApp


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    from tests.connectors.running import running_sandbox

    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


def settings_of(urls: Urls) -> Settings:
    """The product's settings on the test's servers; loopback may be called because the sandbox listens there."""
    from foundation.settings import Settings
    from tests.conftest import VAULT_KEYS

    return Settings(
        owner_url=urls.owner,
        app_url=urls.app,
        intake_url=urls.intake,
        relay_url=urls.relay,
        redis_url=urls.redis,
        vault_keys=VAULT_KEYS,
        secret_key=b"a secret of the tests, 32 bytes long",
        outbound_allowed="127.0.0.0/8",
    )


@pytest.fixture
async def services(urls: Urls) -> AsyncIterator[Services]:
    """The product's own composition, with a cheap password hash."""
    from controlplane.services import build_services
    from tests.support.passwords import hash_cheaply

    built = build_services(settings_of(urls))
    hash_cheaply(built.auth.passwords)
    yield built
    await built.close()


@asynccontextmanager
async def _client_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    from tests.support.client_env import build_client_env

    built = await build_client_env(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest.fixture
async def env(services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox) -> AsyncIterator[ClientEnv]:
    """One client on sandbox systems."""
    async with _client_env(services, relay_db, urls, sandbox) as built:
        yield built


@pytest.fixture
async def other_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    """Another client of another MSP, with the same goods."""
    async with _client_env(services, relay_db, urls, sandbox) as built:
        yield built


@pytest.fixture
async def web_app(services: Services, tmp_path: Path) -> AsyncIterator[WebApp]:
    """The whole application, and browsers that visit it."""
    from tests.support.web_app import running_web_app

    async with running_web_app(services, tmp_path / "static") as running:
        yield running


@pytest.fixture
async def msp_setup(env: ClientEnv) -> MspSetup:
    """The client's MSP with a brand and members."""
    from tests.support.web_app import set_up_msp

    return await set_up_msp(env, name="Calm Harbour")
