"""Migration of existing connections to the elements that their connector has gained since."""

from collections.abc import Iterator

import psycopg
import pytest

from connectors.registry import build_registry
from controlplane.migrate import migrate_schema
from foundation.ids import new_id
from foundation.scope import Scope
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers

BEFORE = "202611291242"
KINDS = ("vendure", "tryton", "sandbox-shop", "sandbox-market")
FORMERLY = {"vendure": (["price.list"], False), "tryton": ([], True)}


@pytest.fixture
def there(servers: Servers, urls: Urls) -> Iterator[Urls]:
    with another_database(servers.admin_url, urls) as there:
        migrate_schema(there.owner, BEFORE)
        yield there


def opened(there: Urls, scope: Scope) -> psycopg.Connection:
    connection = psycopg.connect(there.app)
    for name, value in (("msp_id", scope.msp_id), ("tenant_id", scope.tenant_id)):
        connection.execute("SELECT set_config(%s, %s, false)", (f"app.{name}", str(value)))
    return connection


def test_connections_get_their_connectors_capabilities(there: Urls, scope: Scope) -> None:
    registry = build_registry()
    with opened(there, scope) as connection:
        for kind in KINDS:
            known = registry[kind]
            writes, is_source = FORMERLY.get(kind, (known.writes, known.is_source))
            connection.execute(
                "INSERT INTO connection (tenant_id, msp_id, id, kind, is_source, takes_webhooks, writes, name,"
                " base_url, settings, requests_per_second, burst, created_at)"
                " VALUES (%s, %s, %s, %s, %s, false, %s, %s, 'https://shop.example', '{}', 1, 1, now())",
                (scope.tenant_id, scope.msp_id, new_id(), kind, is_source, writes, kind),
            )
    migrate_schema(there.owner)
    with opened(there, scope) as connection:
        rows = connection.execute("SELECT kind, is_source, writes FROM connection ORDER BY kind").fetchall()
    assert rows == [(kind, registry[kind].is_source, registry[kind].writes) for kind in sorted(KINDS)]
