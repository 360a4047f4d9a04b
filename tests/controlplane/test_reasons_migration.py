"""Migration of errors that were stored as sentences: they are kept as texts."""

from collections.abc import Iterator

import psycopg
import pytest

from controlplane.migrate import migrate_schema
from foundation.ids import new_id
from foundation.scope import Scope
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers

BEFORE = "202611291913"
LEGACY = {"code": "legacy", "params": {"text": "It broke."}}
STORED = """
INSERT INTO job (tenant_id, msp_id, lane, kind, key, error)
VALUES (%(t)s, %(m)s, 'l', 'k', '1', 'It broke.'), (%(t)s, %(m)s, 'l', 'k', '2', NULL);
INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, attempts, error, enqueued_at, died_at)
VALUES (%(t)s, %(m)s, %(id)s, 'l', 'k', '1', 1, 'It broke.', now(), now());
INSERT INTO connection (tenant_id, msp_id, id, kind, is_source, takes_webhooks, writes, name, base_url, settings,
                        requests_per_second, burst, created_at, last_error)
VALUES (%(t)s, %(m)s, %(id)s, 'k', true, false, '{}', 'n', 'https://a.example', '{}', 1, 1, now(), 'It broke.');
INSERT INTO propagation_attempt (tenant_id, msp_id, change_id, id, connection_id, record_key, element, sent, is_retry,
                                 started_at, detail)
VALUES (%(t)s, %(m)s, %(id)s, %(id)s, %(id)s, 'r', 'e', '{}', false, now(), 'It broke.');
INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element, dimension, record_type, unreadable)
VALUES (%(t)s, %(m)s, %(id)s, 'r', 'e', '', 'product', 'It broke.'),
       (%(t)s, %(m)s, %(id)s, 's', 'e', '', 'product', NULL);
INSERT INTO baseline_reading (tenant_id, msp_id, baseline_id, connection_id, record_key, element, dimension,
                              record_type, verdict, below_cost, seen_at, unreadable)
VALUES (%(t)s, %(m)s, %(id)s, %(id)s, 'r', 'e', '', 'product', 'differs', false, now(), 'It broke.');
"""


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


def test_stored_reasons_are_migrated_as_text_for_every_tenant(there: Urls, scope: Scope, other_scope: Scope) -> None:
    for one in (scope, other_scope):
        with opened(there, one) as connection:
            for statement in STORED.split(";")[:-1]:
                connection.execute(statement, {"t": one.tenant_id, "m": one.msp_id, "id": new_id()})
    migrate_schema(there.owner)
    for one in (scope, other_scope):
        with opened(there, one) as connection:
            kept = [
                connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()
                for table, column in (
                    ("job", "error"), ("dead_letter", "error"), ("connection", "last_error"),
                    ("propagation_attempt", "detail"), ("baseline_item", "unreadable"),
                    ("baseline_reading", "unreadable"),
                )
            ]  # fmt: skip
        assert kept == [[(LEGACY,), (None,)], *[[(LEGACY,)]] * 3, [(LEGACY,), (None,)], [(LEGACY,)]]
