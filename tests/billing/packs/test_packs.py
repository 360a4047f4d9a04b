"""Packs of units on invoices: covered usage, charges, and returned units."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.invoices.charged_again import load_charged_again
from billing.invoices.draft import DraftInvoice, draft_invoice
from billing.invoices.repository import load_invoice
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.line_kinds import LineKind
from billing.packs.ledger import load_packs
from billing.packs.review import review_packs
from billing.packs.schemas import UnitPackInput
from billing.packs.sell import sell_pack, withdraw_pack
from billing.periods import Period
from billing.rating.rate_usage import rate_period
from billing.schemas import InvoiceDetail
from billing.sides import Side
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from foundation.usage.meters import Meter, Meters
from tests.billing.conftest import APRIL, MARCH, METER, START, Market
from tests.billing.invoices.test_lifecycle import NOW, close, issuing, shown  # noqa: F401 - fixture


async def _nothing(*_: object) -> Mapping[UUID, Any]:
    return {}


METERS = Meters([Meter(name=METER, unit=("{number}", "{number}"), label="Use", permission="x", describe=_nothing)])


async def sell(market: Market, units: str = "100", *, now: datetime = START, **more: object) -> UUID:
    given = {"name": "Hundred", "meter": METER, "price_minor": 500, "reason": "agreed", **more}
    async with market.as_client() as session:
        new = UnitPackInput(units=Decimal(units), **given)  # type: ignore[arg-type]
        return await sell_pack(session, METERS, new, now=now, new_id=new_id)


async def packs_of(market: Market) -> list[Any]:
    async with market.as_client() as session:
        found = await load_packs(session)
    assert all(one.left == sum(entry.quantity for entry in one.entries) for one in found)
    return list(found)


async def draft(market: Market, period: Period = MARCH, now: datetime = NOW) -> InvoiceDetail:
    async with market.as_client() as session:
        await rate_period(session, side=Side.RETAIL, period=period, now=now)
        made = await draft_invoice(session, side=Side.RETAIL, period=period, now=now)
        assert isinstance(made, DraftInvoice)
        assert made == await draft_invoice(session, side=Side.RETAIL, period=period, now=now)
        return await load_invoice(session, made.id)


def lines(found: InvoiceDetail) -> list[Any]:
    return [(one.kind, one.quantity, one.included, one.amount_minor) for one in found.lines]


async def test_usage_is_drawn_from_packs_before_it_is_priced(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, "60")
    await sell(issuing, "40.5", name="First", priority=1, price_minor=0)
    wholesale = await issuing.rate(Side.WHOLESALE)
    found = await draft(issuing)
    assert lines(found) == [
        (LineKind.UNIT_PACK, 1, 0, 500), (LineKind.USAGE, 120, Decimal("105.5"), 145),
        (LineKind.UNITS_DRAWN, Decimal("40.5"), 0, 0), (LineKind.UNITS_DRAWN, 60, 0, 0),
    ]  # fmt: skip
    assert [one.cause["left"] for one in found.lines if one.kind is LineKind.UNITS_DRAWN] == ["0", "0"]
    assert wholesale is not None
    assert wholesale.total_minor == 360, "the MSP pays for what was used"
    closed = await close(issuing)
    assert (closed.invoice.total_minor, closed.invoice.state) == (645, "finalised")
    assert closed.document is not None
    assert closed.document.lines[-1].description == "Used of prepaid units: Hundred (0 left)"
    assert [(one.left, [entry.is_draft for entry in one.entries]) for one in await packs_of(issuing)] == [
        (0, [False, False]), (0, [False, False]),
    ]  # fmt: skip
    assert await packs_of(issuing.another_client()) == []


async def test_a_void_gives_units_back_and_the_next_draft_charges_and_draws_again(issuing: Market) -> None:  # noqa: F811
    await sell(issuing)
    closed = await close(issuing)
    async with issuing.as_client() as session:
        await act_on_invoice(session, closed.invoice.id, InvoiceAct.VOID, reason="wrong", now=NOW, new_id=new_id)
    [pack] = await packs_of(issuing)
    assert (pack.left, [entry.kind for entry in pack.entries]) == (100, ["sold", "drawn", "returned"])
    again = await draft(issuing, APRIL)
    assert sorted(lines(again)) == sorted(lines(closed))
    [pack] = await packs_of(issuing)
    assert (pack.left, pack.entries[-1].is_draft) == (0, True)
    async with issuing.as_client() as session:
        found = await load_charged_again(session, await shown(issuing, closed))
    assert {one.line.kind: one.again_minor for one in found if one.line.kind is not LineKind.UNITS_DRAWN} == {
        LineKind.UNIT_PACK: 500, LineKind.USAGE: 150,
    }  # fmt: skip


async def test_usage_taken_back_later_lowers_the_price_first_and_then_fills_the_pack(issuing: Market) -> None:  # noqa: F811
    await sell(issuing)
    await close(issuing)
    await issuing.use(Usage(METER, new_id(), -115, START + timedelta(hours=1)))
    found = await draft(issuing, APRIL)
    assert lines(found) == [(LineKind.USAGE, -115, -100, -150), (LineKind.UNITS_DRAWN, -95, 0, 0)]
    [pack] = await packs_of(issuing)
    assert (pack.left, pack.entries[-1].kind) == (95, "returned")


async def test_a_minimum_is_not_charged_for_a_month_that_packs_cover_whole(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, "120")
    assert lines(await draft(issuing))[1][1:] == (120, 120, 0)


async def test_what_is_left_after_the_last_month_rolls_over_once_and_the_rest_expires(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, "150", months=1, rollover_units=Decimal(10), low_units=Decimal(30))
    notices = text("SELECT count(*) FROM job WHERE kind LIKE '%notify%'")
    counts: list[int] = []
    for day, is_open in ((2, True), (5, True), (5, False), (6, False)):
        if is_open:
            await draft(issuing)
        else:
            await close(issuing) if len(counts) == 2 else None
        async with issuing.as_client() as session:
            await review_packs(session, APRIL.start + timedelta(days=day), new_id=new_id)
            counts.append(len([one for one in await load_packs(session) if one.ended_as]))
    assert counts == [0, 0, 1, 1], "not while a draft may draw from it"
    kept, ended = await packs_of(issuing)
    assert [(str(one.kind), one.quantity) for one in ended.entries] == [
        ("sold", 150), ("drawn", -120), ("rolled_over", -10), ("expired", -20),
    ]  # fmt: skip
    assert (kept.units, kept.first_month.month, kept.last_month and kept.last_month.month) == (10, 4, 4)
    assert (kept.rolled_from, kept.price_minor, kept.rollover_units) == (ended.id, 0, 0)
    async with issuing.as_client() as session:
        assert await session.scalar(notices) == 2, "30 left of the first, 10 of what was kept"


async def test_a_withdrawn_pack_is_used_and_charged_no_more(issuing: Market) -> None:  # noqa: F811
    pack_id = await sell(issuing)
    assert len(lines(await draft(issuing))) == 3
    stranger = issuing.another_client()
    async with stranger.as_client() as session:
        with pytest.raises(NotFound):
            await withdraw_pack(session, pack_id, "mine", now=NOW, new_id=new_id)
    async with issuing.as_client() as session:
        assert await withdraw_pack(session, pack_id, "wrong", now=NOW, new_id=new_id) == 100
        with pytest.raises(Conflict, match="ended already"):
            await withdraw_pack(session, pack_id, "again", now=NOW, new_id=new_id)
    assert lines(await draft(issuing)) == [(LineKind.USAGE, 120, 5, 1150)]


async def test_an_earlier_draft_draws_first_and_the_later_one_is_computed_again(issuing: Market) -> None:  # noqa: F811
    await issuing.use(Usage(METER, new_id(), 50, APRIL.start))
    later = APRIL.start + timedelta(days=9)
    await sell(issuing)
    assert lines(await draft(issuing, APRIL, later))[-1][1] == 50
    asked = text("SELECT count(*) FROM job WHERE kind = 'billing.draft_again'")
    async with issuing.as_client() as session:
        before = await session.scalar(asked)
    assert lines(await draft(issuing, MARCH, later))[-1][1] == 100
    async with issuing.as_client() as session:
        assert await session.scalar(asked) == before + 1
    assert lines(await draft(issuing, APRIL, later)) == [(LineKind.USAGE, 50, 5, 450)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"units": Decimal(0)}, "units"), ({"units": Decimal("1e-10")}, "units"), ({"units": Decimal("NaN")}, "units"),
        ({"rollover_units": Decimal(101), "months": 1}, "rollover_units"), ({"reason": " "}, "reason"),
        ({"rollover_units": Decimal(1)}, "rollover_units"), ({"meter": "none"}, "meter"),
        ({"first_month": "2026-13"}, "first_month"), ({"first_month": "2099-01"}, "first_month"),
    ],
)  # fmt: skip
async def test_an_invalid_pack_is_refused(priced: Market, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await sell(priced, **{"units": "100", **given})
    assert refused.value.extra["field"] == field


async def test_no_pack_is_sold_for_a_finalised_month(issuing: Market) -> None:  # noqa: F811
    await close(issuing)
    with pytest.raises(InvalidInput, match="finalised"):
        await sell(issuing, now=NOW, first_month="2026-03")
