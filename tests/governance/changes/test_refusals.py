"""A refusal of a request is not a refusal of each value, and values without read-back are not verified."""

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import PRICE, STOCK
from connectors.ports import ChannelWrite, HttpResponse
from connectors.sandbox.faults import Faults
from connectors.sandbox.market import adapter
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.market.messages import FeedItem, MarketPrice
from foundation.i18n.messages import TEXT
from foundation.outbound.errors import OutboundRefused
from governance.propagation import settlement, verify_job
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import approve_all
from tests.support.client_env import ClientEnv

SETTLED = "SELECT bool_and(state NOT IN ('pending', 'accepted')) FROM propagation WHERE connection_id = :m"


async def states(env: ClientEnv) -> list[tuple[object, ...]]:
    query = "SELECT record_key, state FROM propagation WHERE connection_id = :m ORDER BY record_key"
    return await env.rows(query, m=env.channels["market1"])


async def test_a_price_a_market_always_refuses_blocks_no_other(env: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """The market refuses the whole feed for a price of more than fifteen digits."""
    make = adapter._item

    def as_huge(write: ChannelWrite) -> FeedItem:
        item = make(write)
        if write.record_key != "SKU-002":
            return item
        return msgspec.structs.replace(item, price=MarketPrice("1000000000000000.00", "USD"))

    monkeypatch.setattr(adapter, "_item", as_huge)
    await env.deliver(*(env.change(f"SKU-00{n}", PRICE, 10_000 + n) for n in range(5)))
    await env.work()
    await approve_all(env)
    await env.work(settle=20.0)
    assert await states(env) == [
        (f"SKU-00{n}", "refused" if n == 2 else "verified") for n in range(5)
    ]  # fmt: skip
    found = "SELECT code, record_key FROM governance_exception WHERE state = 'open'"
    assert await env.rows(found) == [("propagation.refused", "SKU-002")]


async def test_two_hundred_and_fifty_long_keys_are_verified_and_metered(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of one reading of all of them would exceed the length that servers accept."""
    longest: list[int] = []
    request = SandboxMarket._read_part

    async def measured(self: SandboxMarket, http: object, config: object, keys: object) -> object:
        class Measuring:
            async def request(self, method: str, url: str, **rest: object) -> HttpResponse:
                longest.append(len(url))
                return await http.request(method, url, **rest)  # type: ignore[attr-defined, no-any-return]

        return await request(self, Measuring(), config, keys)  # type: ignore[arg-type]

    monkeypatch.setattr(SandboxMarket, "_read_part", measured)
    sandbox.enlarge(env.urls["market1"], "sandbox-market", skus=250)
    await env.deliver(*(env.change(f"SKU-{n:03}", STOCK, n) for n in range(250)))
    await env.work(until=f"SELECT ({SETTLED.replace(':m', repr(str(env.channels['market1'])))})")
    assert {state for _, state in await states(env)} == {"verified"}
    assert max(longest) < 2048


async def test_an_address_that_may_not_be_called_refuses_no_value(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> list[object]:
        raise OutboundRefused(TEXT.write(text="This address may not be called."))

    with monkeypatch.context() as patched:
        patched.setattr(SandboxMarket, "push", refuse)
        await env.deliver(env.change("SKU-001", STOCK, 5))
        await env.work(settle=0.5)
        assert await states(env) == [("SKU-001", "pending")]
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    assert await states(env) == [("SKU-001", "verified")]


async def test_a_value_superseded_before_read_back_is_counted_as_superseded(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (settlement, verify_job):
        monkeypatch.setattr(module, "FIRST_READ_SECONDS", 3600.0)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work()
    sandbox.mend(env.urls["shop0"])
    await env.deliver(env.change("SKU-001", STOCK, 6))
    await env.work(settle=5.0)
    query = """
        SELECT minor(value), state, accepted_at IS NOT NULL, error ->> 'code' FROM propagation WHERE connection_id = :c
         ORDER BY minor(value)
    """
    first, second = await env.rows(query, c=env.channels["shop0"])
    assert first[:3] == (5, "superseded", True)
    assert first[3] == "propagation.unproven"
    assert second[:3] == (6, "verified", True)
    [(change_id,)] = await env.rows("SELECT id FROM change WHERE minor(new_value) = 5")
    notes = await env.rows("SELECT subject FROM audit_entry WHERE action = 'propagation.unproven'")
    assert notes == [(f"change:{UUID(str(change_id))}",)]
    metered = "SELECT count(*) FROM usage_event u JOIN change c ON c.id = u.subject_id WHERE minor(c.new_value) = 5"
    assert await env.rows(metered) == [(1,)], "the market's alone"
