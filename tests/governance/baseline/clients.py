"""A client whose shop and market show other values than its ERP reports, and changes of each."""

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


def member_scope(env: ClientEnv, name: str = "Nora") -> Scope:
    return Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), name))


def set_in_erp(env: ClientEnv, **amounts: int) -> None:
    """List prices by SKU; `SKU_001` is SKU-001."""
    changes = [{"sku": sku.replace("_", "-"), "element": PRICE, "amount": amount} for sku, amount in amounts.items()]
    httpx2.post(f"{env.urls['erp']}/changes", json={"changes": changes}, headers=HEADERS).raise_for_status()


def set_in_shop(env: ClientEnv, shop: str = "shop0", /, *, version: int = 1, **amounts: int) -> None:
    """Set values as the shop's own staff did before it was connected."""
    values = [
        NewShopValue(sku.replace("_", "-"), "price", amount, "USD", version, f"{sku}{new_id()}")
        for sku, amount in amounts.items()
    ]
    answer = httpx2.put(
        f"{env.urls[shop]}/values", content=msgspec.json.encode(NewShopValues(values)), headers=HEADERS
    ).raise_for_status()
    assert {result["status"] for result in answer.json()["results"]} == {"applied"}


async def read(env: ClientEnv) -> UUID:
    """A baseline that is ready."""
    async with env.services.db.transaction(member_scope(env)) as session:
        baseline_id = await start_baseline(session, env.services.governance, now=utc_now())
    await env.work(until=f"SELECT state <> 'reading' FROM baseline WHERE id = '{baseline_id}'")
    assert await env.rows("SELECT state FROM baseline WHERE id = :b", b=baseline_id) == [("ready",)]
    return baseline_id


async def accept(env: ClientEnv, baseline_id: UUID, *, by: Scope | None = None) -> None:
    async with env.services.db.transaction(by or member_scope(env)) as session:
        await accept_baseline(session, baseline_id, now=utc_now())


async def read_and_accept(env: ClientEnv) -> UUID:
    baseline_id = await read(env)
    await accept(env, baseline_id)
    await env.work(settle=20.0)
    return baseline_id


async def counts(env: ClientEnv, baseline_id: UUID) -> dict[str, object]:
    async with env.services.db.transaction(env.scope) as session:
        row = await session.execute(
            text("SELECT state, accepted, proven, automatic, awaiting, refused, overtaken FROM baseline WHERE id = :b"),
            {"b": baseline_id},
        )
        return dict(row.one()._mapping)


async def comparisons(env: ClientEnv, baseline_id: UUID, channel: str) -> dict[str, int]:
    rows = await env.rows(
        "SELECT comparison, count(*) FROM baseline_reading WHERE baseline_id = :b AND connection_id = :c GROUP BY 1",
        b=baseline_id,
        c=env.channels[channel],
    )
    return {str(comparison): int(str(count)) for comparison, count in rows}
