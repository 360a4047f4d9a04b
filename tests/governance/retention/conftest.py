"""A database of its own, because months are dropped in it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import text

from controlplane.migrate import migrate_schema
from controlplane.rooms import ROOMS
from foundation.audit.chain import ChainVerification, append_audit, verify_chain
from foundation.database.engine import Database
from foundation.database.partitions import month_after
from foundation.ids import id_floor, new_id
from foundation.scope import Scope
from governance.retention.run import RetentionReport, run_retention
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers
from tests.support.values import ONE_CENT

MONTH_END = month_after(datetime.now(UTC))
"""End of the first partition's month, which contains the rows created until now."""
_CHANGE = f"""
INSERT INTO change (tenant_id, msp_id, id, record_key, element, new_value, source_version, origin,
                    author, state, outcome, rule_id, reason, policy_version, committed_at, proposed_at, correlation)
VALUES (:t, :m, :id, :record, :element, {ONE_CENT}, 1, 'source', 'a', :state, 'auto', 'r', '{{"code": "r"}}', 1, now(),
        now(), '')
"""
_PROPAGATION = f"""
INSERT INTO propagation (tenant_id, msp_id, change_id, connection_id, id, record_key, element, value,
                         version, state, committed_at, slo_due_at)
SELECT tenant_id, msp_id, id, :connection, id, record_key, element, {ONE_CENT}, 1, 'verified', now(), now()
  FROM change WHERE tenant_id = :t AND id = :id
"""
_VALUE = f"""
INSERT INTO record_value (tenant_id, msp_id, record_key, element, source_value, source_version, value,
                          version, change_id, source_event_id)
VALUES (:t, :m, :record, 'price.list', {ONE_CENT}, 1, {ONE_CENT}, 1, :change, :event)
"""
_EVENT = """
INSERT INTO source_event (tenant_id, msp_id, id, connection_id, dedupe_key, body_hash, body, content_type, via,
                          received_at, correlation)
VALUES (:t, :m, :id, :id, 'k', 'h', 'b', 'application/json', 'poll', now(), '')
"""


class Pins:
    """Rows that the tests insert, and their state afterwards."""

    def __init__(self, app: Database, owner: Database) -> None:
        self.app = app
        self.owner = owner

    async def change(
        self,
        scope: Scope,
        *,
        record: str = "SKU-1",
        element: str = "price.list",
        state: str = "released",
        at: datetime | None = None,
    ) -> UUID:
        change_id = UUID(int=id_floor(at).int | (new_id().int & ((1 << 64) - 1))) if at else new_id()
        keys = {"t": scope.tenant_id, "id": change_id}
        async with self.app.transaction(scope) as session:
            await session.execute(
                text(_CHANGE), {**keys, "m": scope.msp_id, "record": record, "element": element, "state": state}
            )
            await session.execute(text(_PROPAGATION), {**keys, "connection": new_id()})
        return change_id

    async def value(self, scope: Scope, record: str, change: UUID | None, event: UUID | None = None) -> None:
        await self.execute(scope, _VALUE, record=record, change=change, event=event)

    async def event(self, scope: Scope) -> UUID:
        event_id = new_id()
        await self.execute(scope, _EVENT, id=event_id)
        return event_id

    async def execute(self, scope: Scope, statement: str, **binds: object) -> None:
        async with self.app.transaction(scope) as session:
            await session.execute(text(statement), {"t": scope.tenant_id, "m": scope.msp_id, **binds})

    async def ids(self, scope: Scope, table: str = "change", column: str = "id") -> set[UUID]:
        async with self.app.transaction(scope) as session:
            return set(await session.scalars(text(f"SELECT {column} FROM {table}")))

    async def partition_of(self, scope: Scope, change: UUID) -> str:
        async with self.app.transaction(scope) as session:
            found = await session.execute(
                text("SELECT c.relname FROM change h JOIN pg_class c ON c.oid = h.tableoid WHERE h.id = :id"),
                {"id": change},
            )
            return str(found.scalar_one())

    async def act(self, scope: Scope, at: datetime, times: int = 1) -> None:
        async with self.app.transaction(scope) as session:
            for _ in range(times):
                append_audit(session, action="test.done", subject="test:1", data={}, at=at)

    async def verify(self, scope: Scope) -> ChainVerification:
        async with self.app.transaction(scope) as session:
            return await verify_chain(session)

    async def run(self, days: int, *, after: datetime = MONTH_END) -> RetentionReport:
        """Run retention as of so many days after the end of the first partition's month, which is in the future."""
        now = after + timedelta(days=days)
        return await run_retention(self.owner, self.app, ROOMS.retained, now=now, new_id=new_id, clock_confirmed=True)

    async def run_by_clock(self, now: datetime) -> RetentionReport:
        return await run_retention(self.owner, self.app, ROOMS.retained, now=now, new_id=new_id)


@pytest.fixture(scope="session")
def migrated(servers: Servers, urls: Urls) -> Iterator[str]:
    """The name of a migrated database that no test uses."""
    with another_database(servers.admin_url, urls) as there:
        migrate_schema(there.owner)
        yield urlsplit(there.owner).path.removeprefix("/")


@pytest.fixture
def own(servers: Servers, urls: Urls, migrated: str) -> Iterator[tuple[str, str]]:
    """Addresses of the owner and the application for a new database."""
    with another_database(servers.admin_url, urls, copy_of=migrated) as there:
        yield there.owner, there.app


@pytest.fixture
async def kept(own: tuple[str, str]) -> AsyncIterator[Pins]:
    owner, app = Database(own[0], pool_size=2), Database(own[1], pool_size=2)
    yield Pins(app, owner)
    await owner.close()
    await app.close()
