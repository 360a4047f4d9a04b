"""Contracts that name the only channels of their values."""

from datetime import timedelta
from uuid import UUID

import pytest

from canonical.elements import STOCK
from foundation.clock import utc_now
from foundation.errors import InvalidInput
from governance.drift.repository import next_values
from governance.elements.publish_contract import publish_contract, publish_new_contract
from governance.elements.schemas import NewContract
from tests.support.client_env import ClientEnv

_SHOWN = """
    SELECT n.name, minor(v.value) FROM channel_value v JOIN connection n ON n.id = v.connection_id
     WHERE v.element = :e ORDER BY 1
"""
SKU = "SKU-001"


async def publish(env: ClientEnv, *names: str, all_channels: bool = False, ids: tuple[UUID, ...] = ()) -> None:
    new = NewContract(
        element=STOCK, source_connection_id=env.erp, owner="Operations", all_channels=all_channels,
        channels=None if all_channels else [*(env.channels[name] for name in names), *ids],
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        await publish_new_contract(session, env.services.registry, new, now=utc_now())
    await env.work(settle=0.5)


async def deliver(env: ClientEnv, amount: int) -> None:
    await env.deliver(env.change(SKU, STOCK, amount))
    await env.work(settle=5.0, until=f"SELECT NOT EXISTS (SELECT 1 FROM propagation WHERE state <> 'verified') AND"
                   f" EXISTS (SELECT 1 FROM change WHERE (new_value->>'amount')::int = {amount})")  # fmt: skip


async def shown(env: ClientEnv) -> list[tuple[object, ...]]:
    return await env.rows(_SHOWN, e=STOCK)


async def test_only_named_channels_get_values_and_an_added_one_the_approved_values(env: ClientEnv) -> None:
    await publish(env, "shop0")
    await deliver(env, 5)
    assert await shown(env) == [("shop0", 5)]
    await publish(env, all_channels=True)
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    assert await shown(env) == [("market1", 5), ("shop0", 5)], "it was sent what it lacked"
    await publish(env, "shop0")
    await deliver(env, 7)
    assert await shown(env) == [("market1", 5), ("shop0", 7)], "what it showed stays"
    for name, compared in (("market1", 0), ("shop0", 1)):
        async with env.services.db.transaction(env.scope) as session:
            found = await next_values(session, env.channels[name], limit=10)
        assert len([one for one in found if one.element == STOCK]) == compared, name


async def test_they_stay_in_a_publication_that_does_not_name_them(env: ClientEnv) -> None:
    await publish(env, "market1")
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element=STOCK, source_connection_id=env.erp, owner="Operations", now=utc_now(),
            propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=2),
        )  # fmt: skip
    await deliver(env, 5)
    assert await shown(env) == [("market1", 5)]


async def test_without_any_channel_nothing_is_published(env: ClientEnv) -> None:
    await publish(env)
    await deliver(env, 5)
    assert await shown(env) == []
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = :e", e=STOCK) == [(5,)]


async def test_only_channels_of_the_account_that_can_show_the_element(env: ClientEnv, other_env: ClientEnv) -> None:
    for foreign in (other_env.channels["shop0"], env.erp):
        with pytest.raises(InvalidInput):
            await publish(env, "shop0", ids=(foreign,))
