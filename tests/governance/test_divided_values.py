"""Values of every type, divided by price list, warehouse and language: separate up to the read-back."""

from datetime import timedelta

import msgspec
import pytest

from canonical.dimensions import dimension
from canonical.elements import DESCRIPTION, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.values import EnumerationValue, IdentifierValue, TextValue, Value, read_value
from connectors.calls import read_values
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.elements.publish_contract import publish_contract
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from policy.rules import ANYONE, PolicyRule, RuleKind
from tests.support.client_env import ClientEnv
from tests.support.values import eur, pieces, plain, usd

SKU = "SKU-001"
RETAIL_EUR = dimension(price_list="retail", currency="EUR")
RETAIL_USD = dimension(price_list="retail", currency="USD")
BERLIN, LYON = dimension(location="Berlin"), dimension(location="Lyon")
GERMAN, FRENCH, ENGLISH = (dimension(locale=each) for each in ("de", "fr", "en"))
VALUES: dict[ElementKey, Value] = {
    ElementKey(SKU, PRICE, RETAIL_EUR): eur("19.99"),
    ElementKey(SKU, PRICE, RETAIL_USD): usd("21.5"),
    ElementKey(SKU, STOCK, BERLIN): pieces(7),
    ElementKey(SKU, STOCK, LYON): pieces(40),
    ElementKey(SKU, DESCRIPTION, GERMAN): plain("Ein Ding für alle Fälle"),
    ElementKey(SKU, DESCRIPTION, FRENCH): plain("Un bidule"),
    ElementKey(SKU, DESCRIPTION, ENGLISH): TextValue("<p>A widget</p>", "html"),
    ElementKey(SKU, "product.status"): EnumerationValue("discontinued"),
    ElementKey(SKU, "identifier.gtin"): IdentifierValue("gtin", "4006381333931"),
}


async def own(env: ClientEnv, *elements: str) -> None:
    """The ERP owns these elements, and every change of them passes."""
    async with env.services.db.transaction(env.scope) as session:
        for element in elements:
            await publish_contract(
                session, element=element, source_connection_id=env.erp, owner="Catalogue", now=utc_now(),
                propagation_slo=timedelta(seconds=30), correction_slo=timedelta(hours=4),
            )  # fmt: skip
        others = [rule for rule in starter_rules(str(env.scope.tenant_id)) if rule.obj not in elements]
        passes = [
            PolicyRule(f"pass-{each}", RuleKind.GOVERNANCE, ANYONE, "", each, "auto", description="Passes.")
            for each in elements
        ]
        await publish_rules(session, env.scope, rules=[*others, *passes], clock=utc_now, new_id=new_id)


def change(env: ClientEnv, key: ElementKey, value: Value) -> dict[str, object]:
    env.version += 1
    return {
        "sku": key.record_key, "element": key.element, "dimension": key.dimension, "record_type": key.record_type,
        "value": msgspec.to_builtins(value), "version": env.version, "committed_at": utc_now().isoformat(),
    }  # fmt: skip


async def shown(env: ClientEnv) -> dict[tuple[str, ElementKey], Value]:
    """The values last read on each channel."""
    rows = await env.rows(
        "SELECT n.name, v.record_key, v.element, v.dimension, v.record_type, v.value FROM channel_value v"
        " JOIN connection n ON n.id = v.connection_id"
    )
    return {(str(name), ElementKey(*map(str, key))): read_value(value) for name, *key, value in rows}


@pytest.fixture
async def divided(env: ClientEnv) -> ClientEnv:
    await own(env, *{key.element for key in VALUES} - {STOCK})  # `env` has the contract of stock
    await env.deliver(*(change(env, key, value) for key, value in VALUES.items()))
    await env.work(settle=20.0)
    return env


async def test_each_part_is_routed_separately_and_read_back_unchanged(divided: ClientEnv) -> None:
    env = divided
    expected = {(name, key): value for name in env.channels for key, value in VALUES.items()}
    assert await shown(env) == expected
    states = await env.rows("SELECT DISTINCT state FROM propagation")
    assert states == [("verified",)]
    for name, connection in env.channels.items():
        async with env.services.db.transaction(env.scope) as session:
            opened = await env.services.governance.runtime.open(session, connection)
        assert opened.connector.channel is not None
        readings = await read_values(opened.connector.channel, opened.http, opened.config, list(VALUES))
        assert {reading.key: reading.value for reading in readings} == VALUES, name


async def test_a_change_of_one_part_leaves_the_others_alone(divided: ClientEnv) -> None:
    env = divided
    before = await shown(env)
    key = ElementKey(SKU, PRICE, RETAIL_USD)
    await env.deliver(change(env, key, usd("22")), change(env, ElementKey(SKU, STOCK, LYON), pieces(39)))
    await env.work(settle=20.0)
    after = await shown(env)
    moved = {place for place in after if after[place] != before[place]}
    assert moved == {
        (name, each) for name in env.channels for each in (key, ElementKey(SKU, STOCK, LYON))
    }  # fmt: skip
    sent = await env.rows("SELECT count(*) FROM change")
    assert sent == [(len(VALUES) + 2,)]


async def test_a_value_under_a_dimension_that_is_not_its_own_is_quarantined(env: ClientEnv) -> None:
    await own(env, DESCRIPTION)
    wrong = (
        (ElementKey(SKU, PRICE, RETAIL_EUR), usd("1")),
        (ElementKey(SKU, DESCRIPTION, BERLIN), plain("x")),
        (ElementKey(SKU, DESCRIPTION, "locale=DE"), plain("x")),
        (ElementKey(SKU, STOCK, BERLIN), usd("1")),
    )
    for key, value in wrong:
        await env.deliver(change(env, key, value))
    await env.work()
    assert await env.rows("SELECT count(*) FROM record_value") == [(0,)]
    codes = await env.rows("SELECT code, count(*) FROM governance_exception GROUP BY code")
    assert codes == [("source.quarantined", len(wrong))]
