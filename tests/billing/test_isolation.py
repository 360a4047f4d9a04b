"""Row-level security of billing, tested by SQL in each scope, without the use cases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.draft import draft_wholesale
from billing.sides import Side, as_rater
from foundation.ids import new_id
from tests.billing.conftest import MARCH, Market, uses
from tests.conftest import make_scope

TABLES = ("price_book", "price", "rated_rollup", "invoice", "invoice_line")


@pytest.fixture
async def billed(priced: Market) -> Market:
    await priced.use(*uses(12))
    for side in Side:
        await priced.rate(side)
    async with priced.as_msp_account() as session:
        await draft_wholesale(session, period=MARCH, now=priced.now)
    return priced


async def _rows(session: AsyncSession, table: str) -> list[str]:
    return list(await session.scalars(text(f"SELECT side FROM {table}")))


async def test_a_client_sees_its_retail_rows_and_no_price_book(billed: Market) -> None:
    async with billed.as_client() as session:
        assert [set(await _rows(session, table)) for table in TABLES] == [
            set(), set(), {"retail"}, {"retail"}, {"retail"},
        ]  # fmt: skip


async def test_a_clients_staff_member_with_a_partner_sees_nothing(billed: Market) -> None:
    partner = make_scope(msp_id=billed.client.msp_id, tenant_id=billed.client.tenant_id, partner_id=new_id())
    async with billed.db.transaction(partner) as session:
        assert [await _rows(session, table) for table in TABLES] == [[]] * 5


@pytest.mark.parametrize("rater", [False, True])
async def test_another_client_another_msp_and_no_scope_see_nothing(billed: Market, *, rater: bool) -> None:
    strangers = [make_scope(msp_id=billed.msp_account.msp_id), make_scope(), None]
    for stranger in strangers:
        async with billed.db.transaction(stranger) as session:
            if rater:
                await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
            seen = [await _rows(session, table) for table in TABLES]
        prices = [["wholesale", "retail"]] * 2 if rater and stranger is strangers[0] else [[], []]
        assert [sorted(rows) for rows in seen] == [*(sorted(rows) for rows in prices), [], [], []]


async def test_another_clients_own_book_is_closed_to_a_rater(billed: Market) -> None:
    await billed.open_book(Side.RETAIL, own=True)
    neighbour = billed.another_client()
    async with neighbour.as_client() as session, as_rater(session):
        assert sorted(await _rows(session, "price_book")) == ["retail", "wholesale"]


async def test_staff_see_both_sides_of_their_own_msp_and_can_write_neither(billed: Market) -> None:
    async with billed.as_staff() as session:
        assert [set(await _rows(session, table)) for table in TABLES] == [{"retail", "wholesale"}] * 5
    for table in TABLES:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with billed.as_staff() as session:
                await session.execute(text(f"UPDATE {table} SET side = 'retail'"))
    msp_id = new_id()
    stranger = make_scope(msp_id=msp_id, tenant_id=msp_id).for_fleet()
    async with billed.db.transaction(stranger) as session:
        assert [await _rows(session, table) for table in TABLES] == [[]] * 5


async def test_only_the_rater_writes_wholesale_rows(billed: Market) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with billed.as_msp_account() as session:
            await session.execute(
                text("""
                    INSERT INTO price_book (tenant_id, msp_id, id, side, currency, name, created_at)
                    VALUES (:house, :house, :id, 'wholesale', 'EUR', 'Mine', now())
                """),
                {"house": billed.msp_account.msp_id, "id": new_id()},
            )


async def test_a_raters_rights_end_with_the_block_also_when_it_raises(billed: Market) -> None:
    async with billed.as_client() as session:
        async with as_rater(session):
            assert set(await _rows(session, "invoice")) == {"retail", "wholesale"}
        assert set(await _rows(session, "invoice")) == {"retail"}
        with pytest.raises(ZeroDivisionError):
            async with as_rater(session):
                raise ZeroDivisionError
        assert set(await _rows(session, "invoice")) == {"retail"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE price SET unit_price = 0",
        "UPDATE price SET valid_from = now()",
        "DELETE FROM price",
        "UPDATE rated_usage SET quantity = 0",
        "UPDATE rated_usage SET invoice_id = line_id",
        "UPDATE rated_rollup SET rows = 0",
        "DELETE FROM invoice",
        "UPDATE invoice SET client_id = id",
        "UPDATE invoice SET currency = 'USD'",
        "UPDATE invoice_line SET unit_price = 0",
    ],
)
async def test_terms_billed_events_and_invoices_cannot_be_rewritten(billed: Market, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with billed.as_msp_account() as session, as_rater(session):
            await session.execute(text(statement))
