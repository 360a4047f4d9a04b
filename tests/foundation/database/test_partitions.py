"""Partitions: created ahead by the relay's role, reached only through their table, without duplicates across months."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from connectors.translation.job_type import TRANSLATE
from connectors.webhooks.writer import Delivery, Stored, store_deliveries
from foundation.database.partition_job import create_partitions, keep_partitions
from foundation.database.partitions import SCHEMA, month_after
from foundation.ids import id_floor, new_id
from foundation.scope import Scope
from tests.conftest import Urls
from tests.isolation.rows import enter

CREATE = f"SELECT {SCHEMA}.create_ahead()"
TABLES = ("audit_entry", "change", "propagation", "rated_usage", "source_event", "usage_event")


def ends(url: str) -> dict[str, datetime]:
    """The end of each partitioned table's last month."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            sql.SQL("SELECT relname, {}.last_end(oid) FROM pg_class WHERE relkind = 'p' AND relname = ANY (%s)").format(
                sql.Identifier(SCHEMA)
            ),
            (list(TABLES),),
        )
        return dict(rows.fetchall())


def test_this_month_and_the_next_two_have_partitions(urls: Urls) -> None:
    expected = month_after(month_after(month_after(datetime.now(UTC))))
    assert ends(urls.owner) == dict.fromkeys(TABLES, expected)


def test_the_relay_creates_missing_partitions_and_moves_early_rows(urls: Urls, scope: Scope) -> None:
    """The changes are reverted at the end, because other tests use the partitions."""
    last = month_after(month_after(datetime.now(UTC)))
    early = id_floor(last + timedelta(days=3))
    part = f"source_event_{last:%Y_%m}"
    with psycopg.connect(urls.owner) as owner:
        owner.execute(f"DROP TABLE {SCHEMA}.{part}")
        default = sql.Identifier(SCHEMA, "source_event_default")
        owner.execute(
            sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, 'k', '', '', 't', 'poll', now(), '')").format(default),
            (scope.tenant_id, scope.msp_id, early, new_id()),
        )
        assert owner.execute(CREATE).fetchone() == (1,)
        assert owner.execute(CREATE).fetchone() == (0,)
        moved = owner.execute(f"SELECT id FROM {SCHEMA}.{part} WHERE tenant_id = %s", (scope.tenant_id,)).fetchall()
        assert moved == [(early,)]
        assert owner.execute(f"SELECT count(*) FROM {SCHEMA}.source_event_default WHERE id >= %s AND id < %s",
                             (id_floor(last), id_floor(month_after(last)))).fetchone() == (0,)  # fmt: skip
        owner.rollback()
    with psycopg.connect(urls.relay) as relay:
        assert relay.execute(CREATE).fetchone() == (0,)


@pytest.mark.parametrize("statement", ["SELECT {}.create_ahead()", "SELECT count(*) FROM {}.change_initial"])
def test_the_application_may_neither_create_nor_read_partitions(urls: Urls, scope: Scope, statement: str) -> None:
    for url in (urls.app, urls.intake):
        with psycopg.connect(url) as connection:
            enter(connection, scope)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.format(SCHEMA))


@pytest.mark.parametrize("function", ["create_month('change', now())", "close('change')"])
def test_the_relay_may_create_no_other_month(urls: Urls, function: str) -> None:
    with psycopg.connect(urls.relay) as relay, pytest.raises(psycopg.errors.InsufficientPrivilege):
        relay.execute(f"SELECT {SCHEMA}.{function}")


async def test_a_delivery_of_an_earlier_month_is_known_again(urls: Urls, scope: Scope, other_scope: Scope) -> None:
    """The same external id in three months is one source event, and another tenant's is its own."""
    connection_id, month = new_id(), datetime.now(UTC)
    for one_scope in (scope, other_scope):
        await connect_something(urls, one_scope, connection_id)
    async with await psycopg.AsyncConnection.connect(urls.intake) as connection:
        results = []
        for _ in range(3):
            one = delivery(scope, connection_id, month)
            results += await store_deliveries(
                connection, [one, delivery(scope, connection_id, month)], job_type=TRANSLATE
            )
            month = month_after(month) + timedelta(days=1)
        assert results == [Stored.NEW] + [Stored.DUPLICATE] * 5
        other = await store_deliveries(connection, [delivery(other_scope, connection_id, month)], job_type=TRANSLATE)
        assert other == [Stored.NEW]
        changed = delivery(scope, connection_id, month, body_hash=b"y" * 32)
        assert await store_deliveries(connection, [changed], job_type=TRANSLATE) == [Stored.ID_CONFLICT]
        await connection.rollback()


async def connect_something(urls: Urls, scope: Scope, connection_id: UUID) -> None:
    """A connection, because intake stores messages of existing connections only."""
    async with await psycopg.AsyncConnection.connect(urls.app) as connection:
        await connection.execute(
            "SELECT set_config('app.tenant_id', %s, true), set_config('app.msp_id', %s, true)",
            (str(scope.tenant_id), str(scope.msp_id)),
        )
        await connection.execute(
            "INSERT INTO connection (tenant_id, msp_id, id, kind, is_source, takes_webhooks, writes, name, base_url,"
            " settings, requests_per_second, burst, created_at)"
            " VALUES (%s, %s, %s, 'sandbox-erp', true, true, '{}', 'ERP', 'x', '{}', 1, 1, now())",
            (scope.tenant_id, scope.msp_id, connection_id),
        )


def delivery(scope: Scope, connection_id: object, at: datetime, *, body_hash: bytes = b"x" * 32) -> Delivery:
    return Delivery(
        id=type(scope.tenant_id)(int=id_floor(at).int | (new_id().int & ((1 << 64) - 1))),
        msp_id=scope.msp_id, tenant_id=scope.tenant_id, connection_id=connection_id,  # type: ignore[arg-type]
        dedupe_key="order-7", body_hash=body_hash, body=b"{}", content_type="application/json", via="webhook",
        received_at=at, correlation="c",
    )  # fmt: skip


async def test_the_job_creates_partitions_and_ends_on_stop(urls: Urls) -> None:
    """It analyses the partitioned tables too: autovacuum never does."""
    stop = asyncio.Event()
    job = asyncio.create_task(keep_partitions(urls.relay, stop))
    stop.set()
    await job
    assert await create_partitions(urls.relay) == 0
    with psycopg.connect(urls.owner) as owner:
        analysed = owner.execute(
            "SELECT count(*) FROM pg_stat_all_tables WHERE relname = ANY (%s) AND last_analyze IS NOT NULL",
            (list(TABLES),),
        ).fetchone()
    assert analysed == (len(TABLES),)


INSERT = "INSERT INTO {} VALUES (%s, %s, %s, %s, 'k', '', '', 't', 'poll', now(), '')"


def drop_months(owner: psycopg.Connection[Any], table: str, *, after: datetime | None = None) -> int:
    """Drop months of one table, as if they were never created, or as retention does. Returns their number."""
    rows = owner.execute(
        f"SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass"
        f" AND c.relname NOT LIKE '%%default' AND (%s::timestamptz IS NULL OR {SCHEMA}.time_of("
        f"  substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')) > %s)",
        (f"public.{table}", after, after),
    ).fetchall()
    for (name,) in rows:
        owner.execute(f"DROP TABLE {SCHEMA}.{name}".encode())
    return len(rows)


def test_inserts_without_partitions_succeed_and_move_later(urls: Urls, scope: Scope) -> None:
    """As after months of failed calls; includes rows with times that no month covers."""
    now = datetime.now(UTC)
    odd = [UUID(int=1), UUID(int=2**128 - 1), id_floor(datetime(9999, 12, 31, tzinfo=UTC)), UUID(int=2**127)]
    with psycopg.connect(urls.owner) as owner:
        assert drop_months(owner, "source_event") >= 3
        assert owner.execute(f"SELECT {SCHEMA}.last_end('source_event')").fetchone() == (None,)
        made = [id_floor(now), id_floor(now + timedelta(days=27)), *odd]
        for one in made:
            owner.execute(
                sql.SQL(INSERT).format(sql.Identifier(SCHEMA, "source_event_default")),
                (scope.tenant_id, scope.msp_id, one, new_id()),
            )
        assert owner.execute(CREATE).fetchone() == (3,)
        assert owner.execute(CREATE).fetchone() == (0,)
        left = owner.execute(
            f"SELECT id FROM {SCHEMA}.source_event_default WHERE tenant_id = %s", (scope.tenant_id,)
        ).fetchall()
        assert {one for (one,) in left} == set(odd)
        owner.rollback()


def test_a_clock_years_ahead_makes_a_bounded_number_of_months(urls: Urls) -> None:
    """The function's clock is the transaction's; here the existing months end in the distant past."""
    with psycopg.connect(urls.owner) as owner:
        drop_months(owner, "source_event")
        owner.execute(f"SELECT {SCHEMA}.create_month('source_event', '1999-01-01Z')")
        counts = [owner.execute(CREATE).fetchall()[0][0] for _ in range(3)]
        owner.rollback()
    assert counts == [12] * 3
