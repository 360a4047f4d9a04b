"""Elements declared by an MSP: its clients have them beside their own; another MSP and its clients do not."""

import asyncio

import msgspec
import pytest
from sqlalchemy import text

from canonical.dimensions import dimension
from canonical.keys import ElementKey
from canonical.values import EnumerationValue, Value
from controlplane.provisioning import onboard_client
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput
from foundation.ids import new_id
from foundation.scope import Scope
from governance.elements.create_element import create_element
from governance.elements.lists import ELEMENTS
from governance.elements.publish_contract import publish_new_contract
from governance.elements.schemas import ElementView, NewContract, NewElement
from governance.records.routing import takes_element, takes_value
from tests.governance.baseline.clients import member_scope
from tests.governance.test_divided_values import change
from tests.policy.approving import someone_waits_for
from tests.support.client_env import ClientEnv
from tests.support.values import pieces, plain

LABEL = NewElement("care_label", "Care label", "text", dimensions=["locale"])
SEGMENT = NewElement("segment", "Segment", "enumeration", record_type="customer", codes=["a", "b"])
FRENCH = ElementKey("SKU-001", "custom.care_label", dimension(locale="fr"))


async def declare(env: ClientEnv, scope: Scope, new: NewElement = LABEL) -> str:
    async with env.services.db.transaction(scope) as session:
        return await create_element(session, new, now=utc_now())


async def listed(env: ClientEnv, scope: Scope) -> list[ElementView]:
    async with env.services.db.transaction(scope) as session:
        return list((await ELEMENTS.load(session, ELEMENTS.query(), utc_now())).items)


async def publish(env: ClientEnv, element: str, selector: str = "") -> None:
    new = NewContract(element=element, selector=selector, source_connection_id=env.erp, owner="Catalogue")
    async with env.services.db.transaction(member_scope(env)) as session:
        await publish_new_contract(session, env.services.governance.runtime.registry, new, now=utc_now())


async def another_client(env: ClientEnv) -> Scope:
    slug = f"other-{new_id().hex[-8:]}"
    return await onboard_client(env.services, env.msp_account, name="Other", slug=slug, currency="EUR")


async def count(env: ClientEnv, scope: Scope, where: str = "true") -> object:
    async with env.services.db.transaction(scope) as session:
        return await session.scalar(text(f"SELECT count(*) FROM custom_element WHERE {where}"))


async def test_a_client_processes_its_msps_element_once_it_has_a_contract(env: ClientEnv) -> None:
    assert await declare(env, env.msp_account) == "custom.care_label"
    assert await env.rows("SELECT count(*) FROM element_contract WHERE element LIKE 'custom.%'") == [(0,)]
    await env.deliver(change(env, FRENCH, plain("Laver à 30°")))
    await env.work()
    assert await env.rows("SELECT element FROM held_observation") == [("custom.care_label",)]
    with pytest.raises(InvalidInput):
        await publish(env, "custom.care_label", "location=Lyon")
    await publish(env, "custom.care_label")
    wrong: Value = pieces(1)
    await env.deliver(change(env, FRENCH._replace(record_key="SKU-002"), wrong))
    await env.work()
    assert await env.rows("SELECT record_key, source_value ->> 'text' FROM record_value") == [
        ("SKU-001", "Laver à 30°")
    ], "the declaration's type judges its values, too"


async def test_clients_of_the_msp_have_it_and_another_msps_do_not(env: ClientEnv, other_env: ClientEnv) -> None:
    sibling = await another_client(env)
    await declare(env, env.msp_account)
    await declare(env, sibling, NewElement("own", "Own", "text"))
    await declare(other_env, other_env.msp_account, NewElement("alien", "Alien", "text"))
    assert [(one.code, one.declared_by) for one in await listed(env, env.scope)] == [("custom.care_label", "msp")]
    assert [(one.code, one.declared_by) for one in await listed(env, sibling)] == [
        ("custom.care_label", "msp"),
        ("custom.own", "client"),
    ]
    assert [one.code for one in await listed(env, env.msp_account)] == ["custom.care_label"]
    assert [one.code for one in await listed(other_env, other_env.scope)] == ["custom.alien"]
    assert [one.created_by for one in await listed(env, sibling)] == ["", sibling.actor.name]
    assert (await listed(env, env.msp_account))[0].created_by == env.msp_account.actor.name


async def test_the_database_alone_shows_a_client_its_msps_rows_and_lets_it_write_none(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    sibling = await another_client(env)
    for scope in (env.msp_account, sibling):
        await declare(env, scope, NewElement(f"of_{scope.tenant_id.hex[-12:]}", "X", "text"))
    await declare(other_env, other_env.msp_account)
    await declare(other_env, other_env.scope, NewElement("alien", "Alien", "text"))
    assert await count(env, env.msp_account) == 2, "its own and its client's, and no other MSP's"
    assert await count(env, env.scope) == 1
    assert await count(env, env.scope, f"tenant_id = '{env.scope.msp_id}'") == 1
    async with env.services.db.transaction(env.scope) as session:
        for statement in ("audit_entry", "element_contract", "policy_rule", "member"):
            seen = await session.scalar(text(f"SELECT count(*) FROM {statement} WHERE tenant_id = msp_id"))
            assert seen == 0, statement
    with pytest.raises(Exception, match="row-level security"):
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(
                text("""
                    INSERT INTO custom_element SELECT tenant_id, msp_id, 'custom.b', label, domain, record_type,
                           value_type, dimensions, codes, distributed, created_at, created_by FROM custom_element
                """)
            )


async def test_a_code_is_declared_by_the_msp_or_by_its_clients(env: ClientEnv, other_env: ClientEnv) -> None:
    await declare(env, env.msp_account)
    with pytest.raises(Conflict, match="Your service provider already declares"):
        await declare(env, env.scope)
    with pytest.raises(Conflict, match="This account has"):
        await declare(env, env.msp_account)
    own = NewElement("own", "Own", "text")
    await declare(env, env.scope, own)
    with pytest.raises(Conflict, match="At least one of your clients"):
        await declare(env, env.msp_account, own)
    await declare(env, await another_client(env), own)
    await declare(other_env, other_env.scope)
    await declare(other_env, other_env.msp_account, own)
    assert await env.rows("SELECT count(*) FROM custom_element WHERE code = 'custom.own'") == [(1,)]


async def test_an_msps_element_has_no_source_and_is_audited_in_its_account(env: ClientEnv) -> None:
    with pytest.raises(InvalidInput) as refused:
        await declare(env, env.msp_account, msgspec.structs.replace(LABEL, source_connection_id=env.erp))
    assert refused.value.extra == {"field": "source_connection_id"}
    await declare(env, env.msp_account)
    entries = "SELECT subject FROM audit_entry WHERE action = 'element.created'"
    async with env.services.db.transaction(env.msp_account) as session:
        assert (await session.execute(text(entries))).all() == [("element:custom.care_label",)]
    assert await env.rows(entries) == []


@pytest.mark.parametrize("whose", ["one client", "client and MSP", "MSP"])
async def test_concurrent_declarations_conflict(env: ClientEnv, whose: str) -> None:
    first, second = {
        "one client": (env.scope, env.scope),
        "client and MSP": (env.scope, env.msp_account),
        "MSP": (env.msp_account, env.msp_account),
    }[whose]
    async with env.services.db.transaction(first) as session:
        await create_element(session, LABEL, now=utc_now())
        later = asyncio.create_task(declare(env, second))
        while not await someone_waits_for(session):  # noqa: ASYNC110 - PostgreSQL sends no event for it
            await asyncio.sleep(0.02)
    with pytest.raises(Conflict):
        await later


async def test_values_of_other_records_go_where_their_type_is_written(env: ClientEnv) -> None:
    """The sandbox's channels write every element of products only; another one writes every element of customers."""
    await declare(env, env.msp_account, SEGMENT)
    await publish(env, "custom.segment")
    await env.deliver(change(env, ElementKey("C-1", "custom.segment", "", "customer"), EnumerationValue("a")))
    await env.work()
    statements = (
        "SELECT n.name FROM {} n, record_value v WHERE " + takes_value("n", "v"),
        "SELECT n.name FROM {} n, element_contract k WHERE k.element = 'custom.segment' AND " + takes_element("n", "k"),
    )
    customers = """(SELECT tenant_id, msp_id, id, 'crm' AS name, ARRAY['customer.*']::varchar[] AS writes, state,
                            environment
                      FROM connection WHERE name = 'shop0')"""
    one = customers.replace("customer.*", "custom.segment")
    for statement in statements:
        assert await env.rows(statement.format("connection")) == []
        assert await env.rows(statement.format(customers)) == [("crm",)]
        assert await env.rows(statement.format(one)) == [("crm",)]
