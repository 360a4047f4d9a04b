"""Closing of the wholesale side by command, with its entry in the MSP's audit chain or not at all."""

import asyncio
from datetime import UTC, datetime

import pytest
from click.testing import Result
from sqlalchemy import text

from billing.sides import Side
from foundation.audit.chain import verify_chain
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from tenants.accounts import create_client, create_msp
from tests.billing.conftest import Market, uses
from tests.conftest import Urls, make_scope
from tests.controlplane.test_cli import call, tenancy
from tests.support.tampering import tamper_as_owner

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_SHIFT = "UPDATE audit_head SET seq = seq + %(by)s WHERE tenant_id = %(t)s"


@pytest.fixture
async def market(db: Database) -> Market:
    """Wholesale at 0.03, used three times by one client and twice by its sibling, in a past month."""
    msp_id = new_id()
    msp_account = make_scope(msp_id=msp_id, tenant_id=msp_id)
    made = Market(db, msp_account, make_scope(msp_id=msp_id), now=LONG_AGO)
    async with db.transaction(msp_account) as session:
        await create_msp(session, name="Calm Harbour", slug=f"msp-{msp_id.hex[-12:]}", now=LONG_AGO)
    async with db.transaction(made.client) as session:
        await create_client(session, name="Client", slug="client", currency="EUR", now=LONG_AGO)
    await made.open_book(Side.WHOLESALE)
    await made.price(Side.WHOLESALE, "0.03", at=LONG_AGO)
    await made.use(*uses(3, at=LONG_AGO))
    return made


async def close(environment: dict[str, str | None], client: Scope) -> Result:
    arguments = ("invoice", "close", *tenancy(client), "--month", "2020-01", "--side", "wholesale")
    return await asyncio.to_thread(call, environment, *arguments)


async def states(market: Market) -> list[str]:
    async with market.as_staff() as session:
        found = text("SELECT state FROM invoice WHERE msp_id = :m AND tenant_id = :t AND side = 'wholesale'")
        return list(await session.scalars(found, {"m": market.msp_account.msp_id, "t": market.client.tenant_id}))


async def noted(db: Database, scope: Scope) -> int:
    async with db.transaction(scope) as session:
        assert (await verify_chain(session)).broken_at is None
        found = text("SELECT count(*) FROM audit_entry WHERE tenant_id = :t AND action = 'invoice.closed'")
        return int((await session.execute(found, {"t": scope.tenant_id})).scalar_one())


async def shift_head(urls: Urls, market: Market, by: int) -> None:
    await asyncio.to_thread(tamper_as_owner, urls.owner, _SHIFT, t=market.msp_account.tenant_id, by=by)


async def test_it_is_recorded_once_in_the_msp_account_and_not_in_a_clients(
    market: Market, environment: dict[str, str | None]
) -> None:
    sibling = market.another_client()
    await sibling.use(*uses(2, at=LONG_AGO))
    done = await close(environment, market.client)
    assert (done.exit_code, "closed: 9 minor units of EUR" in done.output) == (0, True)
    again = await close(environment, market.client)
    assert (again.exit_code, "was closed" in again.output) == (1, True)
    assert (await states(market), await states(sibling)) == (["finalised"], [])
    counts = [await noted(market.db, scope) for scope in (market.msp_account, market.client, sibling.client)]
    assert counts == [1, 0, 0]


async def test_an_invoice_is_not_closed_without_its_audit_entry(
    market: Market, environment: dict[str, str | None], urls: Urls
) -> None:
    await shift_head(urls, market, -1)  # the next entry would overwrite the last one
    refused = await close(environment, market.client)
    assert (refused.exit_code, "audit" in refused.output) == (1, True)
    assert await states(market) == []
    await shift_head(urls, market, 1)
    assert (await close(environment, market.client)).exit_code == 0
    assert (await states(market), await noted(market.db, market.msp_account)) == (["finalised"], 1)
