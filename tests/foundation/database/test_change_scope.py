"""A change of scope: each scope reads and writes its own rows only."""

from contextlib import suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.database.engine import Database, change_scope, scope_of, write_in
from foundation.database.savepoint import savepoint
from foundation.scope import Scope
from tenants.accounts import create_client
from tenants.models import Client


async def open_client(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        await create_client(session, name="C", slug=f"c-{scope.tenant_id.hex}", currency="EUR", now=utc_now())


async def seen(session: AsyncSession) -> set[object]:
    return set(await session.scalars(text("SELECT tenant_id FROM client")))


async def test_each_scope_shows_its_own_and_the_fleets_role_is_left_again(
    db: Database, scope: Scope, sibling_scope: Scope, other_scope: Scope
) -> None:
    for each in (scope, sibling_scope, other_scope):
        await open_client(db, each)
    fleet, both = scope.for_fleet(), {scope.tenant_id, sibling_scope.tenant_id}
    for _ in range(6):  # statements are prepared after some executions
        async with db.transaction(scope) as session:
            assert await seen(session) == {scope.tenant_id}
            await change_scope(session, fleet)
            assert await seen(session) == both
            await change_scope(session, sibling_scope)
            assert await seen(session) == {sibling_scope.tenant_id}
            assert await session.scalar(text("SELECT current_user")) == "fairlead_app"
            await change_scope(session, other_scope)
            assert await seen(session) == {other_scope.tenant_id}
            assert scope_of(session) == other_scope


async def test_the_partner_is_part_of_it(db: Database, scope: Scope, sibling_scope: Scope) -> None:
    narrowed = Scope(scope.msp_id, scope.tenant_id, scope.actor, partner_id=sibling_scope.tenant_id)
    async with db.transaction(scope) as session:
        await change_scope(session, narrowed)
        partner = await session.scalar(text("SELECT current_setting('app.partner_id')"))
    assert partner == str(sibling_scope.tenant_id)


async def test_nothing_read_before_is_answered_from_a_cache(db: Database, scope: Scope, other_scope: Scope) -> None:
    await open_client(db, scope)
    async with db.transaction(scope) as session:
        own = (await session.scalars(select(Client))).one()
        await change_scope(session, other_scope)
        assert await session.get(Client, scope.tenant_id) is None
    assert own.tenant_id == scope.tenant_id


async def test_an_effect_stays_in_the_scope_it_was_left_in(db: Database, scope: Scope, other_scope: Scope) -> None:
    async with db.transaction(scope) as session:
        append_audit(session, action="test", subject="test", data={}, at=utc_now())
        with pytest.raises(RuntimeError, match="before the first effect"):
            await change_scope(session, other_scope)


async def test_the_rest_is_written_in_another_scope(db: Database, scope: Scope, other_scope: Scope) -> None:
    async with db.transaction(scope) as session:
        append_audit(session, action="first", subject="test", data={}, at=utc_now())
        await write_in(session, other_scope)
        append_audit(session, action="second", subject="test", data={}, at=utc_now())
    for each, action in ((scope, "first"), (other_scope, "second")):
        async with db.transaction(each) as session:
            assert list(await session.scalars(text("SELECT action FROM audit_entry"))) == [action]


async def test_a_rolled_back_savepoint_takes_its_change_of_scope_along(
    db: Database, scope: Scope, other_scope: Scope
) -> None:
    async with db.transaction(scope.for_fleet()) as session:
        with suppress(LookupError):
            async with savepoint(session):
                await change_scope(session, other_scope)
                raise LookupError
        assert scope_of(session) == scope.for_fleet()
        assert await session.scalar(text("SELECT current_user")) == "fairlead_fleet"
        await write_in(session, scope)
        append_audit(session, action="after", subject="test", data={}, at=utc_now())
    async with db.transaction(scope) as session:
        assert list(await session.scalars(text("SELECT action FROM audit_entry"))) == ["after"]


async def test_it_ends_with_the_transaction(db: Database, scope: Scope, other_scope: Scope) -> None:
    async with db.transaction(scope) as session:
        await change_scope(session, other_scope.for_fleet())
    async with db.transaction(None) as session:
        assert await session.scalar(text("SELECT current_user")) == "fairlead_app"
        assert await session.scalar(text("SELECT current_setting('app.tenant_id', true)")) == ""
