"""Look-ups of webhook addresses: floods of unknown ones, an unresponsive database, an unreadable secret."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import psycopg
import pytest

from connectors.connections import set_connection_state
from connectors.states import ConnectionState
from connectors.webhooks.directory import HookDirectory
from controlplane.provisioning import NewConnection, connect
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.conftest import Urls
from tests.support.client_env import ClientEnv
from tests.support.faulty_link import WELL, Trouble, end_of, faulty_link, over
from tests.support.servers import Servers


async def test_unknown_addresses_evict_no_known_one(env: ClientEnv, urls: Urls) -> None:
    directory = HookDirectory(urls.intake, env.services.vault, size=10, monotonic=lambda: 0.0)
    first = await directory.find(env.erp)
    assert first is not None
    assert first.active
    async with env.services.db.transaction(env.scope) as session:
        await set_connection_state(session, env.erp, state=ConnectionState.PAUSED, now=utc_now())
    assert await asyncio.gather(*(directory.find(new_id()) for _ in range(1200))) == [None] * 1200
    assert await directory.find(env.erp) == first
    await directory.close()


async def test_concurrent_lookups_share_one_result(env: ClientEnv, urls: Urls) -> None:
    directory = HookDirectory(urls.intake, env.services.vault)
    asked = [env.erp if n % 2 else new_id() for n in range(1200)]
    routes = await asyncio.gather(*(directory.find(connection_id) for connection_id in asked))
    assert {route.connection_id if route else None for route in routes[1::2]} == {env.erp}
    assert set(routes[::2]) == {None}
    await directory.close()


async def test_a_silent_database_is_waited_for_once_and_not_by_one_after_the_other(env: ClientEnv, urls: Urls) -> None:
    with faulty_link(end_of(urls.intake)) as link:
        directory = HookDirectory(over(link, urls.intake), env.services.vault)
        assert await directory.find(new_id()) is None
        link.set_fault(Trouble(blackhole=True))
        asking = [asyncio.create_task(directory.find(new_id())) for _ in range(40)]
        async with asyncio.timeout(90):  # one by one it would be 40 times 5 seconds
            results = await asyncio.gather(*asking, return_exceptions=True)
        assert {isinstance(each, psycopg.OperationalError) for each in results} == {True}
        link.set_fault(WELL)
        found = await directory.find(env.erp)
        assert found is not None
        await directory.close()


async def test_lookups_succeed_across_a_database_restart(env: ClientEnv, urls: Urls, servers: Servers) -> None:
    directory = HookDirectory(urls.intake, env.services.vault)
    assert await directory.find(new_id()) is None
    servers.hang_up("fairlead intake addresses")
    assert await directory.find(env.erp) is not None
    await directory.close()


async def test_an_unreadable_secret_affects_no_other_connection(env: ClientEnv, urls: Urls) -> None:
    other = await connect(
        env.services,
        env.scope,
        NewConnection("sandbox-erp", "B", env.urls["erp"], secrets={"webhook_secret": "x"}),
    )

    class Vault:
        """A vault that has lost the key of one secret."""

        def open_with(self, tenant_id: UUID, wrapped: Mapping[UUID, bytes], purpose: str, ciphertext: bytes) -> bytes:
            if str(other) in purpose:
                raise ValueError("unreadable")
            return env.services.vault.open_with(tenant_id, wrapped, purpose, ciphertext)

    directory = HookDirectory(urls.intake, Vault())
    bad, good = await asyncio.gather(directory.find(other), directory.find(env.erp), return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert not isinstance(good, BaseException)
    assert good is not None
    with pytest.raises(ValueError, match="unreadable"):
        await directory.find(other)
    await directory.close()
