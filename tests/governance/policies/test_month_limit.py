"""A limit on the change of a price within a month."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import text

from canonical.elements import COST, PRICE
from canonical.keys import ElementKey, new_key
from canonical.values import Value, minor_money
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.changes.month_values import load_month_values, load_recorded_month_values
from governance.policies.drafts import put_rule
from governance.records.account_time import month_start
from governance.records.repository import save_values
from governance.records.rows import ValueRow
from policy.index import compile_rules
from policy.publishing import load_index
from policy.rule_form import RuleForm, RuleOutcome
from policy.rules import PolicyRule, RuleKind
from policy.terms import Term, TermKind
from tests.governance.baseline.clients import read, read_and_accept, set_in_erp
from tests.governance.policies.test_inherited_policy import put
from tests.governance.policies.test_replay import approve_all, differences, member, replay
from tests.support.client_env import ClientEnv

LIMIT = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=(Term(TermKind.MONTH_PERCENT, "more_than", ("10",)),))

_FIRST = "element = 'price.list' AND record_key = 'SKU-001'"


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


async def at_start_of(db: Database, scope: Scope, row: ValueRow, at: datetime) -> Value | None:
    tenant = str(scope.tenant_id)
    rule = PolicyRule("r1", RuleKind.GOVERNANCE, "*", tenant, PRICE, "refuse", "r.ctx.month_change_bp > 1000")
    index = compile_rules([rule], tenant_id=tenant, version=1)
    async with db.transaction(scope) as session:
        return (await load_month_values(session, index, [row.key], at)).get(row.key)


async def test_the_value_at_the_start_of_the_month_is_kept_for_every_value(
    db: Database, scope: Scope, other_scope: Scope
) -> None:
    row = ValueRow(*new_key(ElementKey, ("SKU-1", PRICE, "", "product")), minor_money(100, "USD"), 1, None)

    async def save(at: datetime, *minors: int) -> None:
        for minor in minors:
            row.approve(minor_money(minor, "USD"))
        async with db.transaction(scope) as session:
            await save_values(session, [row], now=at, zone=ZoneInfo("America/New_York"))
        row.first_value = None

    async def found(at: datetime) -> Value | None:
        return await at_start_of(db, scope, row, at)

    early, late = datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 1, 3, tzinfo=UTC)  # both March in New York
    await save(early)
    assert await found(early) is None, "no value is approved yet"
    await save(early, 100, 105)
    assert await found(early) == minor_money(100, "USD"), "the first of a batch is the first of the month"
    await save(late, 110)
    await save(late + timedelta(days=1), 120)
    await save(late + timedelta(days=2))
    await save(late + timedelta(days=3), 130)
    assert await found(late + timedelta(days=3)) == minor_money(110, "USD")
    assert await found(late + timedelta(days=40)) == minor_money(130, "USD"), "nothing was approved since"
    assert await at_start_of(db, other_scope, row, late) is None


async def test_a_row_from_before_is_looked_up_in_the_changes(env: ClientEnv) -> None:
    await first_price(env)
    await price(env, 10_400)
    await put(env, env.scope, LIMIT)
    forgotten = "UPDATE record_value SET month_value = NULL WHERE element = 'price.list' RETURNING minor(value)"
    assert await env.rows(forgotten) == [(10_400,)]
    await price(env, 11_200)
    assert (await outcomes(env))[-1] == "refuse"


async def test_costs_recorded_without_a_change_are_limited_too(env: ClientEnv) -> None:
    for minor in (5_000, 5_300, 5_600):
        if minor == 5_300:
            await put(env, env.scope, replace(LIMIT, element=COST))
        await env.deliver(env.change("SKU-1", COST, minor))
        await env.work()
    assert await env.rows("SELECT minor(value), minor(month_value) FROM record_value") == [(5_300, 5_000)]
    assert await env.rows("SELECT minor(old_value), outcome FROM change") == [(5_300, "refuse")]


async def test_a_baseline_begins_the_month_and_its_preview_knows_it(env: ClientEnv) -> None:
    await read_and_accept(env)
    [[start]] = await env.rows(f"SELECT minor(value) FROM record_value WHERE {_FIRST}")
    begun = int(str(start))
    await put(env, env.scope, LIMIT)
    newer = int(utc_now().timestamp() * 1_000_000)
    await env.deliver(env.change("SKU-001", PRICE, begun * 104 // 100, version=newer))
    await env.work(settle=0.5)
    assert await outcomes(env) == ["auto"]
    set_in_erp(env, SKU_001=begun * 112 // 100)  # 8 % more than the channels show, and 12 % in the month
    await read(env)
    foreseen = f"SELECT DISTINCT outcome FROM baseline_reading WHERE comparison = 'differs' AND {_FIRST}"
    assert await env.rows(foreseen) == [("refuse",)]
    newer = int(utc_now().timestamp() * 1_000_000)
    await env.deliver(env.change("SKU-001", PRICE, begun * 112 // 100, version=newer))
    await env.work(settle=0.5)
    assert await outcomes(env) == ["auto", "refuse"]


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
