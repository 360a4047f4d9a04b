"""Stored rules: enforced by the lower rooms, for this client only, also for concurrent requests."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.entitlements.notices import notice_entitlements
from billing.entitlements.rules import apply_entitlements, list_entitlements, list_rules, set_rule
from billing.entitlements.schemas import EntitlementInput, EntitlementView
from billing.plans.schemas import PlanEntitlementInput
from billing.sides import Side
from billing.subscriptions.states import StepKind
from controlplane.rooms import ROOMS
from foundation.entitlements.check import require_entitlement
from foundation.entitlements.errors import NotInPlan, PlanLimitReached
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.features import SINGLE_SIGN_ON_FEATURE
from tenants.members.repository import NewMember, create_member, mark_resumed, mark_suspended
from tenants.secrets import new_secret
from tests.billing.conftest import START, Market
from tests.billing.subscriptions.test_drafts import act, begin, offer

FEATURES = ROOMS.features


async def allow(market: Market, feature: str = "members", **given: Any) -> None:
    async with market.as_client() as session:
        await set_rule(session, FEATURES, EntitlementInput(feature=feature, **given), now=market.now)


async def default(market: Market, book_id: UUID | None = None, **given: Any) -> None:
    book_id = book_id or market.books[Side.RETAIL, None]
    async with market.as_msp_account() as session:
        await set_rule(session, FEATURES, EntitlementInput(**given), book_id=book_id, now=market.now)


async def add_member(market: Market, name: str) -> Any:
    async with market.as_client() as session:
        return await create_member(session, NewMember(new_id(), f"{name}@c.example", name), now=market.now)


async def shown(market: Market, feature: str = "members") -> EntitlementView:
    async with market.as_client() as session:
        found = await list_entitlements(session, FEATURES, market.now)
    return next(one for one in found if one.feature == feature)


async def test_a_limit_refuses_what_goes_beyond_it_for_this_client_alone(market: Market) -> None:
    other = market.another_client()
    await add_member(market, "ana")
    await allow(market, hard_limit=2, soft_limit=1)
    assert (await shown(market)).is_near
    bo = await add_member(market, "bo")
    with pytest.raises(PlanLimitReached) as refused:
        await add_member(market, "cleo")
    assert refused.value.extra == {"feature": "members", "limit": 2, "used": 2}
    assert "allows 2" in refused.value.detail
    async with market.as_client() as session:
        await mark_suspended(session, member_id=bo.id, reason="left", now=market.now)
    await add_member(market, "dora")
    with pytest.raises(PlanLimitReached):  # the seat is taken meanwhile
        async with market.as_client() as session:
            await mark_resumed(session, member_id=bo.id, reason="came back", now=market.now)
    for name in ("ana", "bo", "cleo"):
        await add_member(other, name)
    view = await shown(other)
    assert (view.used, view.hard_limit, view.source) == (3, None, "none")


async def test_members_are_notified_once_from_the_warning_on_until_it_is_below_again(market: Market) -> None:
    async def review() -> int:
        async with market.as_client() as session:
            await notice_entitlements(session, FEATURES, market.now)
        async with market.as_client() as session:
            return await session.scalar(text("SELECT count(*) FROM job WHERE kind LIKE '%notify%'")) or 0

    await allow(market, soft_limit=2, hard_limit=5)
    await allow(market, "api_keys", hard_limit=0)
    await add_member(market, "ana")
    counts = [await review()]
    bo = await add_member(market, "bo")
    counts += [await review(), await review()]
    async with market.as_client() as session:
        await mark_suspended(session, member_id=bo.id, reason="left", now=market.now)
    counts.append(await review())
    async with market.as_client() as session:
        await mark_resumed(session, member_id=bo.id, reason="came back", now=market.now)
    counts.append(await review())
    for soft in (None, 2):  # not limited for a while, such as by another plan
        await allow(market, soft_limit=soft)
        counts.append(await review())
    other = market.another_client()
    await add_member(other, "cleo")
    async with other.as_client() as session:
        await notice_entitlements(session, FEATURES, market.now)
        assert await session.scalar(text("SELECT count(*) FROM entitlement")) == 0
    assert counts == [0, 1, 1, 1, 2, 2, 3]


async def test_an_expired_api_key_takes_no_place_of_the_plan(market: Market) -> None:
    async def add_key(at: datetime, expires_at: datetime | None = None) -> None:
        async with market.as_client() as session:
            wanted = NewApiKey(new_id(), "Reader", "client_viewer", expires_at=expires_at)
            await create_api_key(session, new_secret, wanted, now=at)

    await allow(market, "api_keys", hard_limit=1)
    end = market.now + timedelta(days=1)
    await add_key(market.now, end)
    with pytest.raises(PlanLimitReached):
        await add_key(end - timedelta(seconds=1))
    assert (await shown(market, "api_keys")).used == 1
    await add_key(end)
    market.now = end
    assert (await shown(market, "api_keys")).used == 1, "the new one"


async def test_of_two_at_a_time_one_is_refused(market: Market) -> None:
    await allow(market, hard_limit=1)
    tried = await asyncio.gather(*(add_member(market, name) for name in "abc"), return_exceptions=True)
    assert sum(isinstance(one, PlanLimitReached) for one in tried) == 2, tried
    assert (await shown(market)).used == 1


async def test_a_switch_is_off_or_on(market: Market) -> None:
    async def check() -> None:
        async with market.as_client() as session:
            await require_entitlement(session, SINGLE_SIGN_ON_FEATURE)

    await check()
    await allow(market, "single_sign_on", is_on=False)
    with pytest.raises(NotInPlan):
        await check()
    await allow(market, "single_sign_on", inherits=True)
    await check()
    with pytest.raises(InvalidInput):
        await allow(market, "single_sign_on", hard_limit=2)
    with pytest.raises(InvalidInput):
        await allow(market, "rockets")


async def test_plan_and_price_book_apply_to_clients_until_something_else_is_set(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await default(market, feature="members", hard_limit=1)
    await default(market, feature="webhooks", is_on=False)
    await offer(market, "team", "10", entitlements=[PlanEntitlementInput("members", per_seat=1)])

    async def limits() -> tuple[int | None, str, bool]:
        async with market.as_client() as session:
            await apply_entitlements(session, market.now)
            stored = await session.scalar(text("SELECT hard_limit FROM entitlement WHERE feature = 'members'"))
        view = await shown(market)
        assert view.hard_limit == stored
        return view.hard_limit, view.source_name, (await shown(market, "webhooks")).is_on

    assert await limits() == (1, "retail prices", False)
    one = await begin(market, "team", START, quantity=3)
    assert await limits() == (3, "Team", False)
    market.now += timedelta(days=1)
    await act(market, one, StepKind.CHANGE, quantity=5, when="now")
    assert (await limits())[0] == 5
    await allow(market, hard_limit=7)
    assert (await limits())[:2] == (7, "")
    await allow(market, inherits=True)
    assert (await limits())[0] == 5


async def test_defaults_are_of_the_msps_own_retail_books(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    wholesale = await market.open_book(Side.WHOLESALE)
    for book_id in (wholesale, new_id()):
        with pytest.raises(NotFound):
            await default(market, book_id, feature="members", hard_limit=1)
    await default(market, feature="members", hard_limit=4)
    async with market.as_msp_account() as session:
        (rule,) = await list_rules(session, market.books[Side.RETAIL, None])
    assert (rule.hard_limit, rule.changed_by) == (4, "Mia of the MSP")
    await default(market, feature="members", inherits=True)
    assert (await shown(market)).hard_limit is None
