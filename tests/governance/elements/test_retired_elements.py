"""Retired elements: contracts end, running changes are completed by them, new values are held, and history stays
readable.
"""

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from canonical.dimensions import dimension
from canonical.keys import ElementKey
from canonical.values import Value
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.scope import Scope
from governance.approvals.release import answer_change
from governance.changes.propose import propose_change
from governance.elements.create_element import create_element
from governance.elements.held_observations import schedule_release
from governance.elements.lists import ELEMENTS
from governance.elements.publish_contract import publish_new_contract
from governance.elements.repository import load_contracts
from governance.elements.retire_element import retire_element
from governance.elements.schemas import ElementView, NewContract, NewElement
from governance.held_values.queries import list_held
from tests.governance.baseline.clients import member_scope
from tests.governance.test_divided_values import change
from tests.support.client_env import ClientEnv
from tests.support.values import plain

LABEL = NewElement("care_label", "Care label", "text", dimensions=["locale"])
CODE = "custom.care_label"
FRENCH = ElementKey("SKU-001", CODE, dimension(locale="fr"))


async def declare(env: ClientEnv, scope: Scope, new: NewElement = LABEL) -> None:
    async with env.services.db.transaction(scope) as session:
        await create_element(session, new, now=utc_now())


async def retire(env: ClientEnv, scope: Scope, reason: str = "No shop shows it.") -> int:
    async with env.services.db.transaction(scope) as session:
        return await retire_element(session, code=CODE, reason=reason, now=utc_now())


async def publish(env: ClientEnv) -> None:
    new = NewContract(element=CODE, source_connection_id=env.erp, owner="Catalogue")
    async with env.services.db.transaction(member_scope(env)) as session:
        await publish_new_contract(session, env.services.governance.runtime.registry, new, now=utc_now())


async def report(env: ClientEnv, value: Value, key: ElementKey = FRENCH) -> None:
    await env.deliver(change(env, key, value))
    await env.work()


async def listed(env: ClientEnv, scope: Scope, show: str = "") -> list[ElementView]:
    async with env.services.db.transaction(scope) as session:
        return list((await ELEMENTS.load(session, ELEMENTS.query(show=show), utc_now())).items)


@pytest.fixture(params=["client", "MSP"])
async def owner(request: pytest.FixtureRequest, env: ClientEnv) -> Scope:
    """The account that declared the element, for which the client has a contract with its ERP."""
    if request.param == "client":
        await declare(env, member_scope(env), msgspec.structs.replace(LABEL, source_connection_id=env.erp))
        return member_scope(env)
    await declare(env, env.msp_account)
    await publish(env)
    return env.msp_account


async def test_values_of_a_retired_element_are_held_and_never_processed(env: ClientEnv, owner: Scope) -> None:
    await report(env, plain("Laver à 30°"))
    assert await retire(env, owner) == int(owner.tenant_id == env.scope.tenant_id)
    await report(env, plain("Laver à 40°"))
    assert await env.rows("SELECT source_value ->> 'text' FROM record_value") == [("Laver à 30°",)]
    held = "SELECT record_key, element FROM held_observation"
    assert await env.rows(held) == [("SKU-001", CODE)]
    async with env.services.db.transaction(env.scope) as session:
        [group] = await list_held(session)
        assert (group.element, group.is_retired, group.values) == (CODE, True, 1)
        contracts = await load_contracts(session)
        assert (contracts.find(FRENCH), contracts.has(CODE)) == (None, False)
        assert CODE not in {each.element for each in contracts}
        await schedule_release(session)
    await env.work()
    assert await env.rows(held) == [("SKU-001", CODE)], "the ended contract releases nothing"
    assert await env.rows("SELECT count(*) FROM governance_exception WHERE code = 'contract.missing'") == [(0,)]


async def test_pending_changes_end_by_the_contract_that_decided_them(env: ClientEnv, owner: Scope) -> None:
    await report(env, plain("Laver à 30°"))
    [(change_id, state)] = await env.rows("SELECT id, state FROM change")
    assert state == "awaiting_approval"
    await retire(env, owner)
    async with env.services.db.transaction(member_scope(env)) as session:
        await answer_change(session, UUID(str(change_id)), grant=True, reason="", now=utc_now())
    await env.work(settle=20.0)
    sent = await env.rows("SELECT connection_id, state FROM propagation")
    assert {connection for connection, _ in sent} == set(env.channels.values()), "and not to its source"
    assert {state for _, state in sent} == {"verified"}
    assert await env.rows("SELECT element, value ->> 'text' FROM record_value") == [(CODE, "Laver à 30°")]


async def test_nothing_new_is_made_of_a_retired_element(env: ClientEnv, owner: Scope) -> None:
    await retire(env, owner)
    with pytest.raises(Conflict, match="retired"):
        await publish(env)
    with pytest.raises(InvalidInput, match="No contract is published"):
        async with env.services.db.transaction(member_scope(env)) as session:
            await propose_change(session, env.services.governance, key=FRENCH, value=plain("x"))
    for scope in (owner, member_scope(env)):
        for new in (LABEL, NewElement("care_label", "Care", "boolean")):
            with pytest.raises(Conflict, match="retired element"):
                await declare(env, scope, new)
    with pytest.raises(Conflict, match="already"):
        await retire(env, owner)


async def test_the_declaration_remains_with_the_time_and_author_of_its_retirement(env: ClientEnv, owner: Scope) -> None:
    assert [one.code for one in await listed(env, env.scope, "current")] == [CODE]
    await retire(env, owner, "Replaced by icons.")
    [one] = await listed(env, owner, "retired")
    assert (one.retired_at is not None, one.retired_by) == (True, owner.actor.name)
    assert await listed(env, env.scope, "current") == []
    [seen] = await listed(env, env.scope)
    assert seen.retired_by == (owner.actor.name if owner.tenant_id == env.scope.tenant_id else "")
    async with env.services.db.transaction(owner) as session:
        [(subject, body)] = (
            await session.execute(text("SELECT subject, body FROM audit_entry WHERE action = 'element.retired'"))
        ).all()
    assert (subject, "Replaced by icons." in str(body)) == (f"element:{CODE}", True)


async def test_only_the_account_that_declared_an_element_retires_it(env: ClientEnv, other_env: ClientEnv) -> None:
    await declare(env, env.msp_account)
    await declare(other_env, other_env.msp_account)
    with pytest.raises(Conflict, match="only your service provider"):
        await retire(env, member_scope(env))
    with pytest.raises(InvalidInput):
        await retire(env, env.msp_account, " ")
    with pytest.raises(NotFound):
        async with env.services.db.transaction(env.msp_account) as session:
            await retire_element(session, code="custom.unknown", reason="x", now=utc_now())
    await retire(env, env.msp_account)
    assert [one.retired_at for one in await listed(other_env, other_env.scope)] == [None]
    await retire(other_env, other_env.msp_account)
