"""Migration of jobs, timers and dead letters to new names."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from controlplane.migrate import migrate_schema
from controlplane.rooms import ROOMS
from foundation.ids import new_id
from foundation.scope import Scope
from governance.job_types import BackfillChannel, ConnectionTurn, Redecide, WatchConnection
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers

BEFORE = "202611290948"
CONNECTION, CHANGE = new_id(), new_id()
AT = "2026-11-29T09:30:00+00:00"
RESUMED = {"event": "connection.resumed", "at": AT, "data": {"since": "2026-11-28T00:00:00+00:00"}}
OLD = (
    # lane, kind, key, body
    (f"push/{CONNECTION}", "governance.push", "SKU|price", None),
    (f"standing/{CONNECTION}", "governance.judge_standing", f"governance.judge_standing/{CONNECTION}", None),
    ("anew", "governance.decide_anew", "SKU|price", {"connection": str(CONNECTION)}),
    ("clocks", "governance.clocks", "governance.clocks", None),
    ("held", "governance.release_held", "governance.release_held", None),
    ("events/governance.catch_up", "governance.catch_up", str(CONNECTION), RESUMED),
    ("events/governance.catch_up", "governance.catch_up", f"{CONNECTION}/last", {**RESUMED, "last": True}),
    ("events/governance.watch_connection", "governance.watch_connection", str(CONNECTION), RESUMED),
    ("billing", "billing.rate", "billing.rate", None),
    (f"ingest/{CONNECTION}", "governance.ingest", str(CONNECTION), {"id_conflict": True}),
)
NEW = [
    (f"push/{CONNECTION}", "governance.push_values", "SKU|price"),
    (f"health/{CONNECTION}", "governance.check_connection_health", f"governance.check_connection_health/{CONNECTION}"),
    ("redecide", "governance.redecide", "SKU|price"),
    ("timers", "governance.breach_slos", "governance.breach_slos"),
    ("observations", "governance.release_observations", "governance.release_observations"),
    ("events/governance.backfill_channel", "governance.backfill_channel", str(CONNECTION)),
    ("events/governance.backfill_channel", "governance.backfill_channel", f"{CONNECTION}/last"),
    ("events/governance.watch_connection", "governance.watch_connection", str(CONNECTION)),
    ("billing", "billing.rate_usage", "billing.rate_usage"),
    (f"ingest/{CONNECTION}", "governance.ingest_events", str(CONNECTION)),
]


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


def store(connection: psycopg.Connection, scope: Scope) -> None:
    own = (scope.tenant_id, scope.msp_id)
    for number, (lane, kind, key, body) in enumerate(OLD):
        payload = None if body is None else Jsonb(body)
        connection.execute(
            "INSERT INTO work (tenant_id, msp_id, lane, kind, key, ref, body, held, again)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*own, lane, kind, key, CHANGE, payload, number % 2 == 0, number % 3 == 0),
        )
        connection.execute(
            "INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, ref, body, attempts, error, enqueued_at,"
            " died_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 8, 'away', now(), now())",
            (*own, UUID(int=number), lane, kind, key, CHANGE, payload),
        )
        connection.execute(
            "INSERT INTO lane (tenant_id, msp_id, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (*own, lane)
        )
    for name, lane, kind in (
        ("governance.clocks", "clocks", "governance.clocks"),
        (f"governance.judge_standing/{CONNECTION}", f"standing/{CONNECTION}", "governance.judge_standing"),
        (f"poll/{CONNECTION}", f"poll/{CONNECTION}", "connectors.poll"),
    ):
        connection.execute(
            "INSERT INTO timer (tenant_id, msp_id, name, lane, kind) VALUES (%s, %s, %s, %s, %s)",
            (*own, name, lane, kind),
        )


def test_every_row_has_its_new_name_and_its_payload_decodes(there: Urls, scope: Scope) -> None:
    with opened(there, scope) as connection:
        store(connection, scope)
    migrate_schema(there.owner)
    with opened(there, scope) as connection:
        rows = connection.execute("SELECT lane, kind, key, ref, payload, delayed, is_retry FROM job ORDER BY seq")
        jobs = rows.fetchall()
        letters = connection.execute("SELECT lane, kind, key, ref, payload FROM dead_letter ORDER BY id").fetchall()
        timers = connection.execute("SELECT name, lane, kind FROM timer ORDER BY name").fetchall()
        lanes = {name for (name,) in connection.execute("SELECT name FROM lane")}
    assert [job[:3] for job in jobs] == [letter[:3] for letter in letters] == NEW
    assert {job[3] for job in jobs} == {letter[3] for letter in letters} == {CHANGE}
    assert [job[4] for job in jobs] == [letter[4] for letter in letters]
    assert [job[5:] for job in jobs] == [(number % 2 == 0, number % 3 == 0) for number in range(len(jobs))]
    types = {job_type.name: job_type for job_type in ROOMS.every(lambda room: room.job_types)}
    payloads = [types[kind].decode(payload) for _, kind, _, _, payload, *_ in jobs]
    assert payloads[2] == Redecide(CONNECTION)
    first, last, watched = payloads[5:8]
    assert isinstance(first, BackfillChannel)
    assert (first.since.isoformat(), first.resumed_at.isoformat(), first.last) == (RESUMED["data"]["since"], AT, False)  # type: ignore[index]
    assert last == BackfillChannel(first.since, first.resumed_at, last=True)
    assert watched == WatchConnection(ConnectionTurn.RESUMED, first.resumed_at)
    assert timers == [
        ("governance.breach_slos", "timers", "governance.breach_slos"),
        (
            f"governance.check_connection_health/{CONNECTION}",
            f"health/{CONNECTION}",
            "governance.check_connection_health",
        ),
        (f"poll/{CONNECTION}", f"poll/{CONNECTION}", "connectors.poll_source"),
    ]
    # A running batch of a renamed lane finds no lease, so its jobs are not completed under the old name.
    assert lanes == {f"push/{CONNECTION}", f"ingest/{CONNECTION}", "billing", "events/governance.watch_connection"}


def test_no_object_has_the_tables_old_name_and_forced_rls_is_restored(there: Urls) -> None:
    migrate_schema(there.owner)
    with psycopg.connect(there.owner) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relname ~ '(^|_)work(_|$)' UNION ALL"
            " SELECT conname FROM pg_constraint WHERE conname ~ '(^|_)work(_|$)' UNION ALL"
            " SELECT policyname FROM pg_policies WHERE policyname ~ '(^|_)work(_|$)'"
        ).fetchall()
        unforced = connection.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND NOT (relrowsecurity AND relforcerowsecurity)",
            (["job", "dead_letter", "timer", "lane"],),
        ).fetchall()
    assert (left, unforced) == ([], [])
