"""Row-level security of this room's tables, with queries that have no condition."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from tenants.auth.services import AuthServices
from tenants.members.repository import NewMember, create_member
from tenants.partners.manage import create_partner
from tenants.states import PartnerKind
from tests.tenants.auth.test_api_keys import make_key
from tests.tenants.conftest import NOW, Tenant

TABLES = ("msp", "client", "partner", "member", "api_key")


@pytest.fixture
async def full(auth: AuthServices, client: Tenant) -> Tenant:
    """A client with a row in every table that can have one."""
    async with auth.db.transaction(client.scope) as session:
        partner_id = new_id()
        await create_partner(session, partner_id=partner_id, name="P", kind=PartnerKind.OEM, now=NOW)
        await create_member(session, NewMember(new_id(), "p@example.com", "P", partner_id), now=NOW)
    await make_key(auth, client)
    return client


async def seen(db: Database, scope: Scope | None, table: str) -> set[UUID]:
    async with db.transaction(scope) as session:
        return set((await session.execute(text(f"SELECT tenant_id FROM {table}"))).scalars())


class TestReading:
    @pytest.mark.parametrize("table", TABLES)
    async def test_each_sees_its_own_rows_only(
        self, db: Database, full: Tenant, sibling: Tenant, foreigner: Tenant, table: str
    ) -> None:
        own = {full.scope.tenant_id} if table != "msp" else set()
        assert await seen(db, full.scope, table) == own
        msp_account = full.scope.for_tenant(full.scope.msp_id)
        for other in (sibling.scope, foreigner.scope, msp_account):
            assert full.scope.tenant_id not in await seen(db, other, table)

    @pytest.mark.parametrize("table", TABLES)
    async def test_no_scope_and_a_scope_that_does_not_fit_see_nothing(
        self, db: Database, full: Tenant, foreigner: Tenant, table: str
    ) -> None:
        mixed = Scope(foreigner.scope.msp_id, full.scope.tenant_id, full.scope.actor)
        for scope in (None, mixed) if table == "api_key" else (None, mixed, mixed.for_fleet()):
            assert full.scope.tenant_id not in await seen(db, scope, table)

    async def test_the_fleet_sees_its_msps_rows_and_no_keys(
        self, db: Database, msp: Tenant, full: Tenant, foreigner: Tenant
    ) -> None:
        for table in ("client", "partner", "member"):
            assert await seen(db, msp.scope.for_fleet(), table) == {full.scope.tenant_id}
        with pytest.raises(DBAPIError, match="permission denied"):
            await seen(db, msp.scope.for_fleet(), "api_key")


class TestWriting:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE client SET status = 'suspended'",
            "UPDATE member SET status = 'suspended', password_hash = 'x'",
            "UPDATE api_key SET revoked_at = now()",
        ],
    )
    async def test_nobody_changes_rows_of_another_tenant(
        self, db: Database, full: Tenant, sibling: Tenant, foreigner: Tenant, statement: str
    ) -> None:
        own = {"t": full.scope.tenant_id}
        for tenant, rows in ((sibling, 0), (foreigner, 0), (full, 1)):
            async with db.transaction(tenant.scope) as session:
                touched = await session.execute(text(f"{statement} WHERE tenant_id = :t RETURNING 1"), own)
                assert len(touched.all()) == rows

    async def test_nobody_inserts_a_member_or_key_into_another_tenant(
        self, db: Database, full: Tenant, sibling: Tenant
    ) -> None:
        columns = {"t": full.scope.tenant_id, "m": full.scope.msp_id, "id": new_id(), "now": NOW}
        member = "member (tenant_id, msp_id, id, email, name, status, created_at)"
        key = "api_key (tenant_id, msp_id, id, name, secret_hash, role, created_at, created_by)"
        for statement in (
            f"INSERT INTO {member} VALUES (:t, :m, :id, 'x@example.com', 'X', 'active', :now)",
            f"INSERT INTO {key} VALUES (:t, :m, :id, 'X', '\\x00', 'machine', :now, 'x')",
        ):
            with pytest.raises(DBAPIError, match="row-level security"):
                async with db.transaction(sibling.scope) as session:
                    await session.execute(text(statement), columns)

    @pytest.mark.parametrize("table", TABLES)
    async def test_the_application_deletes_none_of_them(self, db: Database, full: Tenant, table: str) -> None:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with db.transaction(full.scope) as session:
                await session.execute(text(f"DELETE FROM {table}"))
