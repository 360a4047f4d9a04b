"""A client whose shop and market show something else than its ERP says, and how a test changes each of them."""

from uuid import UUID

import httpx2
import msgspec
from sqlalchemy import text

from canonical.elements import PRICE
from connectors.sandbox.shop.messages import NewShopValue, NewShopValues
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.baseline.acceptance_job import accept_baseline
from governance.baseline.start import start_baseline
from tests.connectors.running import TOKEN
from tests.support.client_env import ClientEnv

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def member_scope(world: ClientEnv, name: str = "Nora") -> Scope:
    return Scope(world.scope.msp_id, world.scope.tenant_id, Actor("member", str(new_id()), name))


def set_in_erp(world: ClientEnv, **amounts: int) -> None:
    """List prices by SKU; `SKU_001` is SKU-001."""
    changes = [{"sku": sku.replace("_", "-"), "element": PRICE, "amount": amount} for sku, amount in amounts.items()]
    httpx2.post(f"{world.urls['erp']}/changes", json={"changes": changes}, headers=HEADERS).raise_for_status()


def set_in_shop(world: ClientEnv, shop: str = "shop0", /, *, version: int = 1, **amounts: int) -> None:
    """As the shop's own staff would, before it was connected."""
    values = [
        NewShopValue(sku.replace("_", "-"), "price", amount, "USD", version, f"{sku}{new_id()}")
        for sku, amount in amounts.items()
    ]
    answer = httpx2.put(
        f"{world.urls[shop]}/values", content=msgspec.json.encode(NewShopValues(values)), headers=HEADERS
    ).raise_for_status()
    assert {result["status"] for result in answer.json()["results"]} == {"applied"}


async def read(world: ClientEnv) -> UUID:
    """A baseline that is ready."""
    async with world.services.db.transaction(member_scope(world)) as session:
        baseline_id = await start_baseline(session, world.services.governance, now=utc_now())
    await world.work(until=f"SELECT state <> 'reading' FROM baseline WHERE id = '{baseline_id}'")
    assert await world.rows("SELECT state FROM baseline WHERE id = :b", b=baseline_id) == [("ready",)]
    return baseline_id


async def accept(world: ClientEnv, baseline_id: UUID, *, by: Scope | None = None) -> None:
    async with world.services.db.transaction(by or member_scope(world)) as session:
        await accept_baseline(session, baseline_id, now=utc_now())


async def read_and_accept(world: ClientEnv) -> UUID:
    baseline_id = await read(world)
    await accept(world, baseline_id)
    await world.work(settle=20.0)
    return baseline_id


async def counts(world: ClientEnv, baseline_id: UUID) -> dict[str, object]:
    async with world.services.db.transaction(world.scope) as session:
        row = await session.execute(
            text("SELECT state, accepted, proven, automatic, awaiting, refused, overtaken FROM baseline WHERE id = :b"),
            {"b": baseline_id},
        )
        return dict(row.one()._mapping)


async def verdicts(world: ClientEnv, baseline_id: UUID, channel: str) -> dict[str, int]:
    rows = await world.rows(
        "SELECT verdict, count(*) FROM baseline_reading WHERE baseline_id = :b AND connection_id = :c GROUP BY verdict",
        b=baseline_id,
        c=world.channels[channel],
    )
    return {str(verdict): int(str(count)) for verdict, count in rows}
