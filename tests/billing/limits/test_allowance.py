"""Limits and reservations: never beyond the limit, and never at a price of 0."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from billing.jobs import rate_client
from billing.limits.allowance import release, require_allowance, reserve, settle
from billing.limits.budgets import read_budgets
from billing.limits.errors import FeatureOff, LimitReached, PriceUnknown
from billing.limits.manage import check_limits, set_limit
from billing.limits.schemas import (
    SPEND,
    BudgetView,
    LimitInput,
    ReservationInput,
    ReservationView,
    SettlementInput,
)
from billing.limits.states import ReservationState
from billing.permissions import BillingPermission
from billing.sides import Side
from foundation.errors import Conflict, DomainError, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from foundation.usage.meters import Meter, Meters
from tests.billing.conftest import APRIL, START, Market

TOKENS, ANSWERS = "ai.output", "ai.answer"


async def _describe(*_: object) -> Mapping[Any, Any]:
    return {}


METERS = Meters(
    Meter(name=name, unit=("{number}", "{number}"), label=name, permission=BillingPermission.READ_USAGE,
          describe=_describe)
    for name in (TOKENS, ANSWERS)
)  # fmt: skip


@pytest.fixture
async def limited(market: Market) -> Market:
    """1 EUR a token, answers without a price; 100 tokens a month."""
    market.now = START + timedelta(days=10)
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "1", meter=TOKENS, at=START)
    await limit(market, TOKENS, hard_limit=Decimal(100), soft_limit=Decimal(50))
    return market


async def limit(market: Market, meter: str, **given: Any) -> None:
    async with market.as_client() as session:
        await set_limit(session, METERS, LimitInput(meter=meter, **given), now=market.now)


async def hold(market: Market, key: str, quantity: int, meter: str = TOKENS, seconds: int = 60) -> ReservationView:
    wanted = ReservationInput(key=key, quantities={meter: Decimal(quantity)}, seconds=seconds)
    async with market.as_client() as session:
        return await reserve(session, METERS, wanted, now=market.now, new_id=new_id)


async def finish(market: Market, key: str, quantity: int, meter: str = TOKENS) -> ReservationView:
    wanted = SettlementInput(key=key, quantities={meter: Decimal(quantity)})
    async with market.as_client() as session:
        return await settle(session, METERS, wanted, now=market.now)


async def budget(market: Market, meter: str = TOKENS) -> BudgetView:
    async with market.as_client() as session:
        found = await read_budgets(session, now=market.now)
    return next(one for one in found.items if one.meter == meter)


async def test_settled_amounts_are_used_and_released_amounts_are_available_again(limited: Market) -> None:
    first = await hold(limited, "a", 60)
    assert (first.state, first.amount_minor) == (ReservationState.RESERVED, 6000)
    assert await hold(limited, "a", 60) == first, "sent again, it counts once"
    with pytest.raises(LimitReached) as refused:
        await hold(limited, "b", 41)
    assert refused.value.extra == {"meter": TOKENS, "used": "0", "reserved": "60", "limit": "100"}
    settled = await finish(limited, "a", 25)
    assert (settled.state, settled.amount_minor) == (ReservationState.SETTLED, 2500)
    assert settled.settled == {TOKENS: 25}
    assert await finish(limited, "a", 25) == settled
    await hold(limited, "b", 75)
    async with limited.as_client() as session:
        assert (await release(session, "b", now=limited.now)).state is ReservationState.RELEASED
    found = await budget(limited)
    assert [found.used, found.reserved, found.left] == [25, 0, 75]
    async with limited.as_client() as session:
        rows = await session.execute(text("SELECT meter, quantity FROM usage_event"))
        assert [tuple(row) for row in rows] == [(TOKENS, 25)]
        await rate_client(session, limited.now)
    other = limited.another_client()
    assert (await hold(other, "a", 500)).state is ReservationState.RESERVED, "the limit is not the other client's"


async def test_concurrent_reservations_never_exceed_the_limit(limited: Market) -> None:
    async def attempt(number: int) -> int:
        try:
            await hold(limited, f"{number}", 30)
        except LimitReached:
            return 0
        return 1

    made = await asyncio.gather(*(attempt(number) for number in range(8)))
    assert sum(made) == 3
    assert (await budget(limited)).reserved == 90


async def test_a_reservation_that_is_not_settled_ends_by_itself_and_can_still_be_settled(limited: Market) -> None:
    await hold(limited, "a", 80, seconds=60)
    limited.now += timedelta(seconds=60)
    assert (await budget(limited)).reserved == 0
    await hold(limited, "b", 100)
    async with limited.as_client() as session:
        await check_limits(session, now=limited.now)
        states = await session.scalars(text("SELECT state FROM usage_reservation ORDER BY key"))
        assert list(states) == ["expired", "reserved"]
    assert (await finish(limited, "a", 90)).settled == {TOKENS: 90}, "it did happen, so it is counted"
    assert (await budget(limited)).used == 90


async def test_use_without_a_price_is_held_where_spending_is_limited(limited: Market) -> None:
    assert (await hold(limited, "free", 5, ANSWERS)).amount_minor is None
    await limit(limited, SPEND, hard_limit=Decimal(5000))
    with pytest.raises(PriceUnknown):
        await hold(limited, "b", 1, ANSWERS)
    await hold(limited, "c", 30)
    with pytest.raises(LimitReached) as refused:
        await hold(limited, "d", 21)
    assert refused.value.extra["meter"] == SPEND
    await finish(limited, "c", 40)
    assert (await budget(limited, SPEND)).used == 4000, "settled, but not on the draft yet"
    async with limited.as_client() as session:
        with pytest.raises(LimitReached):
            await require_allowance(session, METERS, TOKENS, 11, now=limited.now)
        await require_allowance(session, METERS, TOKENS, 10, now=limited.now)
    assert await limited.rate(Side.RETAIL) is not None
    async with limited.as_client() as session:
        await session.execute(
            text("INSERT INTO rating_run (tenant_id, msp_id, rated_at, next_at) VALUES (:t, :m, :at, :at)"),
            {"t": limited.client.tenant_id, "m": limited.client.msp_id, "at": limited.now + timedelta(hours=1)},
        )
    assert (await budget(limited, SPEND)).used == 4000, "on the draft, and not counted twice"


async def test_limits_begin_again_each_month_and_a_temporary_limit_ends_by_itself(limited: Market) -> None:
    await limited.use(Usage(TOKENS, new_id(), 100, limited.now))
    with pytest.raises(LimitReached):
        await hold(limited, "a", 1)
    await limit(limited, TOKENS, hard_limit=Decimal(100), override_until=limited.now + timedelta(days=1),
                override_limit=Decimal(110), override_reason="A campaign")  # fmt: skip
    await hold(limited, "a", 10)
    with pytest.raises(LimitReached):
        await hold(limited, "b", 1)
    limited.now += timedelta(days=1)
    with pytest.raises(LimitReached):
        await hold(limited, "c", 1)
    limited.now = APRIL.start
    await hold(limited, "d", 100)


async def test_what_is_switched_off_is_refused(limited: Market) -> None:
    await limit(limited, ANSWERS, is_on=False)
    async with limited.as_client() as session:
        with pytest.raises(FeatureOff):
            await require_allowance(session, METERS, ANSWERS, now=limited.now)
    async with limited.another_client().as_client() as session:
        await require_allowance(session, METERS, ANSWERS, now=limited.now)


async def test_notices_are_given_once_for_each_limit_and_step(limited: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr("billing.limits.manage.notify", lambda *_, params, **__: sent.append(params["percent"]))

    async def notices() -> list[str]:
        async with limited.as_client() as session:
            await check_limits(session, now=limited.now)
        async with limited.as_client() as session:
            rows = await session.execute(text("SELECT kind || ' ' || percent FROM limit_notice ORDER BY 1"))
            return list(rows.scalars())

    assert await notices() == []
    await limited.use(Usage(TOKENS, new_id(), 40, limited.now))
    assert await notices() == await notices() == ["soft 80"]
    await limited.use(Usage(TOKENS, new_id(), 45, limited.now))
    assert await notices() == ["hard 80", "soft 100", "soft 80"]
    assert sent == ["80", "100"]
    await limit(limited, TOKENS, hard_limit=Decimal(1000), soft_limit=Decimal(200))
    await notices()
    assert sent == ["80", "100"], "85 of 200 is less than 80 %"
    await limited.use(Usage(TOKENS, new_id(), 80, limited.now))
    await notices()
    await notices()
    assert sent == ["80", "100", "80"], "the raised limit is near for the first time"


@pytest.mark.parametrize(
    "wrong",
    [{"meter": "nothing"}, {"meter": TOKENS, "hard_limit": Decimal(-1)}, {"meter": SPEND, "is_on": False},
     {"meter": SPEND, "hard_limit": Decimal("1.5")}, {"meter": TOKENS, "override_limit": Decimal(1)},
     {"meter": TOKENS, "override_until": START, "override_reason": "x"},
     {"meter": TOKENS, "override_until": APRIL.end}],
)  # fmt: skip
async def test_a_wrong_limit_is_refused(limited: Market, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await limit(limited, **wrong)


async def test_a_reservation_is_settled_or_released_once(limited: Market) -> None:
    await hold(limited, "a", 5)
    other = limited.another_client()
    for market, key, expected in ((other, "a", NotFound), (limited, "b", NotFound)):
        with pytest.raises(expected):
            await finish(market, key, 1)
    await finish(limited, "a", 3)
    async with limited.as_client() as session:
        with pytest.raises(Conflict):
            await release(session, "a", now=limited.now)
    with pytest.raises(DomainError):
        await finish(limited, "a", 4)
    for key, quantity in (("a", 6), ("c", -1)):
        with pytest.raises(DomainError):
            await hold(limited, key, quantity)
    await hold(limited, "d", 5)
    async with limited.as_client() as session:
        await release(session, "d", now=limited.now)
    with pytest.raises(Conflict):
        await finish(limited, "d", 1)
