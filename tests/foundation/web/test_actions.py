"""Bulk actions: each item separately, with its own result."""

from uuid import UUID

import pytest
from sqlalchemy import text

from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.errors import Conflict, InvalidInput, NotFound, Unavailable
from foundation.scope import Scope
from foundation.web.actions import MOST_AT_ONCE, bulk_action, read_ids, run_action

IDS = [UUID(int=number) for number in (3, 1, 2)]


async def test_a_refused_item_leaves_nothing_and_stops_no_other(db: Database, scope: Scope) -> None:
    order: list[UUID] = []
    async with db.transaction(scope) as session:

        async def act(one: UUID) -> None:
            order.append(one)
            append_audit(session, action="test.done", subject=f"test:{one}", data={}, at=utc_now())
            if one == IDS[1]:
                raise Conflict("It was closed.")
            if one == IDS[2]:
                raise NotFound

        result = await bulk_action(session, [*IDS, IDS[0]], act)
    assert order == sorted(IDS), "locks are taken in one order"
    assert [(item.id, item.result, item.code) for item in result.items] == [
        (IDS[0], "done", ""),
        (IDS[1], "refused", "conflict"),
        (IDS[2], "refused", "not-found"),
    ]
    assert (result.done, result.refused, result.items[1].detail) == (1, 2, "It was closed.")
    async with db.transaction(scope) as session:
        found = await session.scalars(
            text("SELECT subject FROM audit_entry WHERE tenant_id = :t"), {"t": scope.tenant_id}
        )
        assert list(found) == [f"test:{IDS[0]}"]


async def test_a_server_error_undoes_all(db: Database, scope: Scope) -> None:
    async def fail() -> None:
        async with db.transaction(scope) as session:

            async def act(one: UUID) -> None:
                append_audit(session, action="test.done", subject=f"test:{one}", data={}, at=utc_now())
                if one == max(IDS):
                    raise Unavailable("Away.")

            await bulk_action(session, IDS, act)

    with pytest.raises(Unavailable):
        await fail()
    async with db.transaction(scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM audit_entry")) == 0


@pytest.mark.parametrize("count", [0, MOST_AT_ONCE + 1])
async def test_a_selection_has_its_bounds(db: Database, scope: Scope, count: int) -> None:
    async def act(_: UUID) -> None:
        pytest.fail("nothing is done")

    async with db.transaction(scope) as session:
        with pytest.raises(InvalidInput, match="Select 1 to 200 items"):
            await bulk_action(session, [UUID(int=number) for number in range(count)], act)


async def test_not_found_has_its_own_page(db: Database, scope: Scope) -> None:
    async def miss() -> None:
        raise NotFound

    async def refuse() -> None:
        raise Conflict("No.")

    async with db.transaction(scope) as session:
        with pytest.raises(NotFound):
            await run_action(session, miss())
        refusal = await run_action(session, refuse())
    assert isinstance(refusal, Conflict)


def test_a_selection_that_names_no_ids_is_refused() -> None:
    assert read_ids([str(IDS[0])]) == [IDS[0]]
    with pytest.raises(InvalidInput):
        read_ids(["x"])
