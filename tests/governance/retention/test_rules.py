"""The longest period of product, MSP, client, element and hold applies; usage is retained until billed."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from controlplane.rooms import ROOMS
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Scope
from governance.retention.change_policy import set_default
from governance.retention.plan import list_defaults
from tests.billing.conftest import FIX_DRAFTS
from tests.governance.retention.conftest import MONTH_END, Pins
from tests.governance.retention.test_purging import policy, shown


def msp_setup(scope: Scope) -> Scope:
    return scope.for_tenant(scope.msp_id)


async def default(kept: Pins, scope: Scope, data_class: str, days: int | None) -> None:
    async with kept.app.transaction(msp_setup(scope)) as session:
        await set_default(session, ROOMS.retained, data_class, days, now=MONTH_END)


async def test_an_msps_default_holds_for_its_clients_and_no_others(
    kept: Pins, scope: Scope, other_scope: Scope
) -> None:
    sibling = scope.for_tenant(new_id())
    short, long, others = await kept.change(scope), await kept.change(sibling), await kept.change(other_scope)
    await default(kept, scope, "changes", 100)
    await policy(kept, sibling, "changes", 900)
    await kept.run(100)
    assert short not in await kept.ids(scope)
    assert await kept.ids(sibling) == {long}
    assert await kept.ids(other_scope) == {others}


async def test_a_clients_period_is_never_shorter_than_its_msps(kept: Pins, scope: Scope) -> None:
    """Also if the client's policy was set before the MSP's default."""
    await kept.change(scope)
    await policy(kept, scope, "changes", 90)
    await default(kept, scope, "changes", 1000)
    with pytest.raises(InvalidInput, match="at least 1,000 days"):
        await policy(kept, scope, "changes", 999)
    with pytest.raises(InvalidInput, match="at least 1,000 days"):
        await policy(kept, scope, "changes", 999, "price.list")
    await kept.run(999)
    assert len(await kept.ids(scope)) == 1
    view = await shown(kept, scope, "changes", 0)
    assert (view.keep_days, view.default_days, view.least_days) == (1000, 1000, 1000)
    await kept.run(1000)
    assert await kept.ids(scope) == set()
    await default(kept, scope, "changes", None)
    view = await shown(kept, scope, "changes", 0)
    assert (view.keep_days, view.default_days, view.least_days) == (90, 731, 90)


async def test_a_default_is_the_msps_own_and_within_the_products_bounds(
    kept: Pins, scope: Scope, other_scope: Scope
) -> None:
    for days in (89, 0, -1, 36_526, 10**9):
        with pytest.raises(InvalidInput):
            await default(kept, scope, "changes", days)
    with pytest.raises(NotFound):
        await default(kept, scope, "nothing", 900)
    await default(kept, scope, "changes", 900)
    async with kept.app.transaction(msp_setup(other_scope)) as session:
        found = {one.name: one.keep_days for one in await list_defaults(session, ROOMS.retained)}
    assert found["changes"] == 731
    async with kept.app.transaction(scope) as session:
        assert (await session.execute(text("SELECT 1 FROM retention_default"))).all() == []
        with pytest.raises(IntegrityError):
            await set_default(session, ROOMS.retained, "changes", 800, now=MONTH_END)


@pytest.mark.parametrize("element", ["price.lits", "PRICE.LIST", "price.list \u200b", "x" * 2000, "%", "'; --"])
async def test_a_policy_of_an_unknown_element_is_refused(kept: Pins, scope: Scope, element: str) -> None:
    with pytest.raises(InvalidInput, match="There is no element by this name"):
        await policy(kept, scope, "changes", 900, element)
    await policy(kept, scope, "changes", None, element)


async def test_an_element_with_a_contract_has_a_policy(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    await kept.execute(
        scope,
        """
        INSERT INTO element_contract (tenant_id, msp_id, element, owner, workflow, propagation_slo_ms,
                                      correction_slo_ms, approval_ttl_s, decision_slo_ms, version, published_at)
        VALUES (:t, :m, 'custom.lead_time', 'a', 'policy', 1, 1, 1, 1, 1, now())
        """,
    )
    await policy(kept, scope, "changes", 900, "custom.lead_time")
    with pytest.raises(InvalidInput):
        await policy(kept, other_scope, "changes", 900, "custom.lead_time")


async def metered(kept: Pins, scope: Scope) -> UUID:
    usage = new_id()
    await kept.execute(
        scope,
        "INSERT INTO usage_event (tenant_id, msp_id, meter, id, quantity, occurred_at)"
        " VALUES (:t, :m, 'x', :id, 1, now())",
        id=usage,
    )
    return usage


async def billed(kept: Pins, scope: Scope, usage: UUID, side: str, state: str = "finalised") -> None:
    async with kept.app.transaction(scope) as session:
        await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
        keys = {"t": scope.tenant_id, "m": scope.msp_id, "i": new_id(), "u": usage, "s": side, "state": state}
        await session.execute(
            text("""
                INSERT INTO invoice (tenant_id, msp_id, id, side, client_id, period_start, period_end, currency, state,
                                     created_at, updated_at)
                VALUES (:t, :m, :i, :s, :t, now(), now() + interval '1 day', 'USD', :state, now(), now())
            """),
            keys,
        )
        await session.execute(
            text("""
                INSERT INTO rated_usage (tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity,
                                         occurred_at)
                VALUES (:t, :m, :s, 'x', :u, :i, :i, 1, now())
            """),
            keys,
        )


async def book(kept: Pins, scope: Scope, side: str, client: UUID | None = None) -> None:
    async with kept.app.transaction(msp_setup(scope)) as session:
        await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
        await session.execute(
            text("""
                INSERT INTO price_book (tenant_id, msp_id, id, side, client_id, currency, name, created_at)
                VALUES (:m, :m, :id, :s, :client, 'USD', 'x', now())
            """),
            {"m": scope.msp_id, "id": new_id(), "s": side, "client": client},
        )


async def test_usage_stays_until_each_side_that_is_billed_has_closed_it(kept: Pins, scope: Scope) -> None:
    """An event without a price on one side can still be billed there."""
    usage = await metered(kept, scope)
    await book(kept, scope, "retail")
    await book(kept, scope, "wholesale")
    await book(kept, scope, "retail", new_id())  # another client's own
    await billed(kept, scope, usage, "retail")
    await kept.run(9000)
    assert await kept.ids(scope, "usage_event") == {usage}
    await billed(kept, scope, usage, "wholesale", "draft")
    await kept.run(9001)
    assert await kept.ids(scope, "usage_event") == {usage}
    async with kept.app.transaction(scope) as session:
        await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
        await session.execute(text(FIX_DRAFTS))
        await session.execute(text("UPDATE invoice SET state = 'finalised' WHERE state = 'draft'"))
    await policy(kept, scope, "usage", 400)
    await kept.run(399)
    assert await kept.ids(scope, "usage_event") == {usage}
    await kept.run(400)
    assert await kept.ids(scope, "usage_event") == set()
