from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import verify_chain
from foundation.database.engine import Database, scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.names import clean_name
from foundation.scope import Actor
from tenants.accounts import (
    ALL_CLIENTS,
    check_slug,
    create_client,
    create_msp,
    get_client,
    get_client_by_slug,
    get_msp,
    list_clients,
    resume_client,
    set_lane_share,
    suspend_client,
)
from tenants.auth.services import AuthServices
from tenants.errors import SlugTaken
from tenants.principal import Principal, fleet_scope, home_scope, scope_for
from tests.tenants.conftest import NOW, Tenant, make_client

HOUR = timedelta(hours=1)


class TestTheTree:
    async def test_an_msp_lists_only_its_own_clients_by_slug(
        self, db: Database, msp: Tenant, sibling: Tenant, client: Tenant, foreigner: Tenant
    ) -> None:
        async with db.transaction(msp.scope.for_fleet()) as session:
            found = (await list_clients(session)).items
        assert [(c.tenant_id, c.slug) for c in found] == [
            (client.scope.tenant_id, "acme"),
            (sibling.scope.tenant_id, "borealis"),
        ]

    async def test_pages_of_clients_do_not_overlap(self, db: Database, msp: Tenant) -> None:
        for slug in ("c", "a", "b"):
            await make_client(db, msp, slug)
        async with db.transaction(msp.scope.for_fleet()) as session:
            first = await list_clients(session, ALL_CLIENTS.with_limit(2))
            assert first.next_cursor is not None
            rest = await list_clients(session, ALL_CLIENTS.after(first.next_cursor, limit=2))
        assert [[c.slug for c in page.items] for page in (first, rest)] == [["a", "b"], ["c"]]

    async def test_a_client_sees_only_itself(self, db: Database, client: Tenant, sibling: Tenant) -> None:
        async with db.transaction(client.scope) as session:
            assert [c.tenant_id for c in (await list_clients(session)).items] == [client.scope.tenant_id]
            with pytest.raises(NotFound):
                await get_client_by_slug(session, sibling.slug)
            with pytest.raises(NotFound):
                await get_msp(session)

    async def test_a_slug_leads_to_the_client_of_this_msp(
        self, db: Database, msp: Tenant, client: Tenant, other_msp: Tenant, foreigner: Tenant
    ) -> None:
        for msp_setup, expected in ((msp, client), (other_msp, foreigner)):
            async with db.transaction(msp_setup.scope.for_fleet()) as session:
                assert (await get_client_by_slug(session, "acme")).tenant_id == expected.scope.tenant_id

    async def test_another_msps_slug_is_not_found(self, db: Database, msp: Tenant, other_msp: Tenant) -> None:
        await make_client(db, other_msp, "only-there")
        async with db.transaction(msp.scope.for_fleet()) as session:
            with pytest.raises(NotFound):
                await get_client_by_slug(session, "only-there")

    async def test_an_msp_account_is_no_client(self, db: Database, msp: Tenant) -> None:
        async with db.transaction(msp.scope) as session:
            assert (await get_msp(session)).slug == msp.slug
            with pytest.raises(NotFound):
                await get_client(session)

    async def test_two_clients_of_one_msp_cannot_share_a_slug(self, db: Database, msp: Tenant, client: Tenant) -> None:
        with pytest.raises(SlugTaken, match="acme"):
            await make_client(db, msp, client.slug)

    async def test_two_msps_cannot_share_a_slug(self, db: Database, msp: Tenant) -> None:
        msp_id = new_id()
        async with db.transaction(msp.scope.__class__(msp_id, msp_id, Actor.system("operator"))) as session:
            with pytest.raises(SlugTaken):
                await create_msp(session, name="Copycat", slug=msp.slug, now=NOW)

    async def test_an_msp_is_not_created_in_a_clients_scope(self, db: Database, client: Tenant) -> None:
        async with db.transaction(client.scope) as session:
            with pytest.raises(RuntimeError, match="account"):
                await create_msp(session, name="X", slug="x", now=NOW)

    @pytest.mark.parametrize("currency", ["eur", "EURO", "", "E1R"])
    async def test_a_currency_is_a_code(self, db: Database, msp: Tenant, currency: str) -> None:
        async with db.transaction(msp.scope.for_tenant(new_id())) as session:
            with pytest.raises(InvalidInput):
                await create_client(session, name="X", slug="x", currency=currency, now=NOW)


class Clocks:
    def __init__(self) -> None:
        self.moved: list[tuple[UUID, datetime, datetime]] = []

    async def __call__(self, session: AsyncSession, since: datetime, now: datetime) -> None:
        self.moved.append((scope_of(session).tenant_id, since, now))


class TestSuspension:
    async def test_a_client_is_suspended_and_resumed_with_a_reason_in_its_audit(
        self, db: Database, auth: AuthServices, client: Tenant, sibling: Tenant
    ) -> None:
        for at in (NOW, NOW + HOUR / 2):
            async with db.transaction(client.scope) as session:
                assert (await suspend_client(session, reason="unpaid", now=at)).status == "suspended"
        clocks = Clocks()
        for _ in range(2):
            async with db.transaction(client.scope) as session:
                suspending = replace(auth, move_clocks=clocks)
                assert (await resume_client(session, suspending, reason="paid", now=NOW + HOUR)).status == "active"
        assert clocks.moved == [(client.scope.tenant_id, NOW, NOW + HOUR)]
        async with db.transaction(client.scope) as session:
            rows = await session.execute(
                text("SELECT action FROM audit_entry WHERE tenant_id = :t ORDER BY seq"), {"t": client.scope.tenant_id}
            )
            assert list(rows.scalars()) == ["client.created", "client.suspended", "client.resumed"]
            assert (await verify_chain(session)).broken_at is None
        async with db.transaction(sibling.scope) as session:
            assert (await get_client(session)).status == "active"


class TestLanes:
    async def test_a_new_tenant_has_a_lane_share_which_can_be_set(self, db: Database, client: Tenant) -> None:
        read = text("SELECT pool, weight, cap FROM lane_share WHERE tenant_id = :t")
        async with db.transaction(client.scope) as session:
            assert (await session.execute(read, {"t": client.scope.tenant_id})).one() == ("shared", 1, 4)
            await set_lane_share(session, pool="acme", weight=3, cap=8, now=NOW)
            assert (await session.execute(read, {"t": client.scope.tenant_id})).one() == ("acme", 3, 8)

    @pytest.mark.parametrize(("pool", "weight", "cap"), [("", 1, 1), ("A b", 1, 1), ("a", 0, 1), ("a", 1, 0)])
    async def test_malformed_input_is_refused(
        self, db: Database, client: Tenant, pool: str, weight: int, cap: int
    ) -> None:
        async with db.transaction(client.scope) as session:
            with pytest.raises(InvalidInput):
                await set_lane_share(session, pool=pool, weight=weight, cap=cap, now=NOW)


class TestScopes:
    def principal(self, tenant: Tenant, **more: object) -> Principal:
        scope = tenant.scope
        return Principal("member", new_id(), "Ada", scope.msp_id, scope.tenant_id, **more)  # type: ignore[arg-type]

    async def test_staff_enter_their_msps_clients_only(self, msp: Tenant, client: Tenant, foreigner: Tenant) -> None:
        staff = self.principal(msp)
        scope = scope_for(staff, msp_id=client.scope.msp_id, tenant_id=client.scope.tenant_id)
        assert (scope.tenant_id, scope.msp_id, scope.fleet) == (client.scope.tenant_id, msp.scope.msp_id, False)
        assert fleet_scope(staff).fleet
        with pytest.raises(NotFound):
            scope_for(staff, msp_id=foreigner.scope.msp_id, tenant_id=foreigner.scope.tenant_id)

    async def test_a_clients_member_enters_its_home_only(self, client: Tenant, sibling: Tenant, msp: Tenant) -> None:
        partner_id = new_id()
        member = self.principal(client, partner_id=partner_id)
        assert home_scope(member).partner_id == partner_id
        own = scope_for(member, msp_id=client.scope.msp_id, tenant_id=client.scope.tenant_id)
        assert own == home_scope(member)
        for elsewhere in (sibling, msp):
            with pytest.raises(NotFound):
                scope_for(member, msp_id=elsewhere.scope.msp_id, tenant_id=elsewhere.scope.tenant_id)
        with pytest.raises(NotFound):
            fleet_scope(member)


class TestNames:
    @given(st.text(max_size=70))
    def test_an_accepted_slug_is_safe_in_an_address(self, slug: str) -> None:
        try:
            check_slug(slug)
        except InvalidInput:
            return
        assert slug.isascii()
        assert slug == slug.lower().strip("-")
        assert slug.replace("-", "a").isalnum()

    @given(st.text(max_size=140))
    def test_an_accepted_name_has_one_line_and_no_outer_space(self, name: str) -> None:
        try:
            cleaned = clean_name(name)
        except InvalidInput:
            return
        assert cleaned == cleaned.strip() == " ".join(cleaned.split())
        assert clean_name(cleaned) == cleaned
