"""The migration to typed values keeps every amount exactly, and converts every row."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from canonical.currencies import DIGITS, FORMER
from canonical.values import minor_money, quantity, to_value
from controlplane.migrate import migrate_schema
from foundation.ids import new_id
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers

BEFORE, STEP = "202611291205", "202611291210"
TENANT = uuid.uuid4()
AMOUNTS = (0, 5, -5, 1_000, 199_900, 2**53 + 1, 2**63 - 1, -(2**63) + 1)


@pytest.fixture
def old(servers: Servers, urls: Urls) -> Iterator[str]:
    """A database in which values are still integers with a currency."""
    with another_database(servers.admin_url, urls) as there:
        migrate_schema(there.owner, BEFORE)
        yield there.owner


def fill(connection: psycopg.Connection) -> None:
    # In a tenant's scope: the tables' owner is subject to their policies too.
    connection.execute("SELECT set_config('app.tenant_id', %s, false)", (str(TENANT),))
    rows = [(f"{code}/{amount}", amount, code) for code in ("", *DIGITS, *FORMER) for amount in AMOUNTS]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO record_value (tenant_id, msp_id, record_key, element, source_amount, source_currency,"
            " source_version, amount, currency, version) VALUES (%s, %s, %s, 'price.list', %s, %s, 1, %s, %s, 1)",
            [(TENANT, TENANT, key, amount, code, amount if code else None, code or None) for key, amount, code in rows],
        )


def test_amounts_become_values_by_the_digits_of_their_currency(old: str, servers: Servers) -> None:
    admin = old_as_admin(old, servers)
    change = new_id()
    with psycopg.connect(admin) as connection:
        fill(connection)
        connection.execute(
            "INSERT INTO record_value (tenant_id, msp_id, record_key, element, source_amount, source_currency,"
            " source_version, amount, currency, version)"
            " VALUES (%s, %s, 'A', 'price.cost', 900, 'KWD', 1, 900, 'KWD', 1)",
            (TENANT, TENANT),
        )
        connection.execute(
            "INSERT INTO change (tenant_id, msp_id, id, record_key, element, old_amount, old_currency, new_amount,"
            " new_currency, source_version, origin, author, state, outcome, rule_id, reason, policy_version,"
            " cost_amount, committed_at, proposed_at, correlation) VALUES (%s, %s, %s, 'A', 'price.list', NULL, NULL,"
            " 1500, 'KWD', 1, 'source', 'a', 'released', 'auto', 'r', '{}', 1, 900, now(), now(), '')",
            (TENANT, TENANT, change),
        )
        connection.execute(
            "INSERT INTO propagation (tenant_id, msp_id, change_id, connection_id, id, record_key, element, amount,"
            " currency, version, state, committed_at, slo_due_at, read_amount, previous_amount, previous_currency)"
            " VALUES (%s, %s, %s, %s, %s, 'A', 'price.list', 1500, 'KWD', 1, 'accepted', now(), now(), 1400, 130,"
            " 'EUR')",
            (TENANT, TENANT, change, TENANT, new_id()),
        )
    assert migrate_schema(old, STEP) == STEP
    with psycopg.connect(admin) as connection:
        found = connection.execute(
            "SELECT record_key, source_value, value, dimension, record_type FROM record_value"
            " WHERE element = 'price.list'"
        ).fetchall()
        assert len(found) == (len(DIGITS) + len(FORMER) + 1) * len(AMOUNTS)
        for key, source, value, dimension, record_type in found:
            code, _, amount = key.partition("/")
            expected = minor_money(int(amount), code) if code else quantity(int(amount))
            assert to_value(source) == expected
            assert to_value(value) == (expected if code else None)
            assert (dimension, record_type) == ("", "product")
        [row] = connection.execute("SELECT old_value, new_value, cost_value FROM change").fetchall()
        assert [to_value(each) for each in row] == [None, minor_money(1500, "KWD"), minor_money(900, "KWD")]
        [sent] = connection.execute("SELECT value, read_value, previous_value FROM propagation").fetchall()
        assert [to_value(each) for each in sent] == [
            minor_money(1500, "KWD"), minor_money(1400, "KWD"), minor_money(130, "EUR"),
        ]  # fmt: skip
        forced = connection.execute(
            "SELECT relname FROM pg_class WHERE relname IN ('record_value', 'change', 'propagation', 'channel_value',"
            " 'baseline_item', 'baseline_reading') AND relforcerowsecurity"
        ).fetchall()
        assert len(forced) == 6


def old_as_admin(url: str, servers: Servers) -> str:
    """The same database, as its server's superuser reaches it."""
    return servers.admin_url.rsplit("/", 1)[0] + "/" + url.rsplit("/", 1)[1]
