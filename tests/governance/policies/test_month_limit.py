"""A limit on the change of a price within a month."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from canonical.elements import COST, PRICE
from canonical.keys import ElementKey, new_key
from canonical.values import Value, minor_money
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.changes.month_values import load_month_values, load_recorded_month_values, month_start
from governance.policies.drafts import put_rule
from policy.publishing import load_index
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.governance.policies.test_inherited_policy import put
from tests.governance.policies.test_replay import approve_all, differences, member, replay
from tests.support.client_env import ClientEnv

LIMIT = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=(Term(TermKind.MONTH_PERCENT, "more_than", ("10",)),))


def test_the_month_begins_at_midnight_of_the_clients_clocks() -> None:
    at = datetime(2026, 4, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert month_start(at, ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert month_start(at, UTC) == datetime(2026, 3, 1, tzinfo=UTC)


async def outcomes(env: ClientEnv) -> list[str]:
    return [str(one) for (one,) in await env.rows("SELECT outcome FROM change ORDER BY proposed_at, id")]


async def price(env: ClientEnv, minor: int) -> None:
    before = len(await outcomes(env))
    await env.deliver(env.change("SKU-1", PRICE, minor))
    await env.work(until=f"SELECT count(*) > {before} FROM change")


async def first_price(env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-1", COST, 5_000))
    await env.work(until="SELECT count(*) = 1 FROM record_value")
    await price(env, 10_000)
    await approve_all(env)
    await env.work(until="SELECT count(*) = 1 FROM change WHERE version IS NOT NULL")


async def test_small_changes_are_limited_in_sum(env: ClientEnv) -> None:
    await first_price(env)
    await put(env, env.scope, LIMIT)
    for minor in (10_400, 10_800):
        await price(env, minor)
    assert "refuse" not in await outcomes(env)
    await price(env, 11_200)
    assert (await outcomes(env))[-1] == "refuse"


async def test_a_new_month_begins_with_the_value_approved_then(env: ClientEnv, other_env: ClientEnv) -> None:
    await first_price(env)
    await put(env, env.scope, LIMIT)
    await put(other_env, other_env.scope, LIMIT)
    await price(env, 10_400)
    [[dimension]] = await env.rows("SELECT DISTINCT dimension FROM change")
    key, now = new_key(ElementKey, ("SKU-1", PRICE, str(dimension), "product")), utc_now()

    async def at_start(known: ClientEnv, at: datetime) -> Mapping[ElementKey, Value]:
        async with known.services.db.transaction(known.scope) as session:
            return await load_month_values(session, await load_index(session, known.scope), [key], at)

    assert await at_start(env, now) == {key: minor_money(10_000, "USD")}
    assert await at_start(env, now + timedelta(days=40)) == {key: minor_money(10_400, "USD")}
    assert await at_start(other_env, now) == {}
    async with env.services.db.transaction(env.scope) as session:
        first, second = await session.scalars(text("SELECT id FROM change ORDER BY proposed_at, id"))
        recorded = await load_recorded_month_values(session, [first, second], UTC)
    assert recorded == {second: minor_money(10_000, "USD")}


async def test_a_replay_compares_with_the_month_of_each_change(env: ClientEnv) -> None:
    await first_price(env)
    for minor in (10_400, 10_800, 11_200):
        await price(env, minor)
    ada = member(env)
    async with env.services.db.transaction(ada) as session:
        await put_rule(session, LIMIT, rule_id="", now=utc_now(), new_id=new_id)
    found = await replay(env, ada)
    refused = {one.new for one in await differences(env, ada, found.id)}
    assert refused == {minor_money(10_000, "USD"), minor_money(11_200, "USD")}, "a first price has no start to compare"
