"""Retired elements: absent from lists, rules, rollbacks and drift scans, and without gaps of ownership."""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput
from foundation.ids import new_id
from foundation.scope import Scope
from governance.approvals.release import answer_change
from governance.changes.rollback import roll_back_change
from governance.connections.change_settings import is_in_use
from governance.drift.repository import next_values
from governance.elements.ownership import OwnershipProblem, read_ownership
from governance.elements.retire_element import retire_element
from governance.elements.schemas import NewElement
from governance.errors import NothingToRollBack
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages.exceptions import DRIFT_READ
from governance.onboarding.queries import load_facts
from governance.policies.drafts import put_rule
from governance.policies.form_view import find_rule, rule_context
from policy.rule_form import RuleForm, RuleOutcome
from tests.governance.baseline.clients import member_scope
from tests.governance.elements.test_retired_elements import CODE, FRENCH, LABEL, declare, publish, report, retire
from tests.support.client_env import ClientEnv
from tests.support.values import plain

OTHER = "custom.wash_icon"
RULE = RuleForm(element=CODE, outcome=RuleOutcome.REVIEW)


def acting(env: ClientEnv) -> AbstractAsyncContextManager[AsyncSession]:
    return env.services.db.transaction(member_scope(env))


@pytest.fixture(params=["client", "MSP"])
async def owner(request: pytest.FixtureRequest, env: ClientEnv) -> Scope:
    """Scope of the account that declared the element; of an MSP's element, the client publishes the contract itself."""
    if request.param == "client":
        await declare(env, member_scope(env), msgspec.structs.replace(LABEL, source_connection_id=env.erp))
        return member_scope(env)
    await declare(env, env.msp_account)
    await publish(env)
    return env.msp_account


async def offered(env: ClientEnv) -> set[str]:
    async with acting(env) as session:
        context = await rule_context(session, env.services.governance, "", {"element": CODE})
    assert (context["element_view"] is None) == (CODE not in dict(context["elements"]))
    return set(dict(context["elements"]))


async def test_no_new_rule_names_a_retired_element(env: ClientEnv, owner: Scope) -> None:
    async with acting(env) as session:
        rule = await put_rule(session, RULE, now=utc_now(), new_id=new_id)
        assert (await find_rule(session, rule.id))["element"] == CODE
    assert CODE in await offered(env)
    await retire(env, owner)
    assert CODE not in await offered(env)
    for rule_id in ("", rule.id):
        with pytest.raises(InvalidInput, match="Care label is retired"):
            async with acting(env) as session:
                await put_rule(session, RULE, rule_id=rule_id, now=utc_now(), new_id=new_id)
    with pytest.raises(Conflict, match="retired"):
        async with acting(env) as session:
            await find_rule(session, rule.id)


async def test_values_of_a_retired_element_are_neither_scanned_nor_rolled_back(env: ClientEnv, owner: Scope) -> None:
    await report(env, plain("Laver à 30°"))
    [(change_id,)] = await env.rows("SELECT id FROM change")
    async with acting(env) as session:
        await answer_change(session, UUID(str(change_id)), grant=True, reason="", now=utc_now())
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    channel = next(iter(env.channels.values()))
    drift = NewException(
        code=ExceptionType.CHANNEL_DRIFT,
        subject=f"{channel}:{FRENCH.joined(':')}",
        message=DRIFT_READ.fill(element=CODE, record_key="SKU-001", shown="30", expected="40", seen_at=utc_now()),
        key=FRENCH,
        connection_id=channel,
    )
    async with env.services.db.transaction(env.scope) as session:
        await open_exceptions(session, [drift], now=utc_now(), new_id=new_id)

    async def scanned() -> list[tuple[str, bool]]:
        async with env.services.db.transaction(env.scope) as session:
            return [(one.key.element, one.drifted) for one in await next_values(session, channel, limit=10)]

    assert await scanned() == [(CODE, True)]
    await retire(env, owner)
    assert await scanned() == []
    with pytest.raises(NothingToRollBack, match="retired"):
        async with acting(env) as session:
            await roll_back_change(session, env.services.governance, UUID(str(change_id)))


async def test_a_retired_element_leaves_no_gaps_of_ownership(env: ClientEnv, other_env: ClientEnv) -> None:
    """One element without a contract is reported; one has a contract, and its source is deleted."""
    for each in (env, other_env):
        await declare(each, each.msp_account, NewElement("wash_icon", "Wash icon", "text"))
        await report(each, plain("30"), FRENCH._replace(element=OTHER, dimension=""))
        await declare(each, member_scope(each), msgspec.structs.replace(LABEL, source_connection_id=each.erp))
        async with each.services.db.transaction(each.scope) as session:
            await session.execute(
                text("UPDATE element_contract SET source_connection_id = gen_random_uuid() WHERE element = :code"),
                {"code": CODE},
            )
    for scope, code in ((env.msp_account, OTHER), (member_scope(env), CODE)):
        async with env.services.db.transaction(scope) as session:
            await retire_element(session, code=code, reason="No shop shows it.", now=utc_now())
    for each, gone in ((env, True), (other_env, False)):
        async with acting(each) as session:
            gaps = {(gap.element, gap.problem) for gap in (await read_ownership(session)).items}
        expected = {(OTHER, OwnershipProblem.NO_OWNER), (CODE, OwnershipProblem.SOURCE_DELETED)}
        assert gaps == (set() if gone else expected)
        async with each.services.db.transaction(each.msp_account.for_fleet()) as session:
            facts, _ = await load_facts(session, each.scope.tenant_id, now=utc_now())
        assert (facts.unowned, facts.orphaned, facts.contracts) == ((0, 0, 3) if gone else (1, 1, 4))


async def test_a_contract_that_has_ended_does_not_hold_its_connection(env: ClientEnv) -> None:
    market = next(iter(env.channels.values()))
    await declare(env, member_scope(env), msgspec.structs.replace(LABEL, source_connection_id=env.erp))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE element_contract SET source_connection_id = :c WHERE element = :code"),
            {"c": market, "code": CODE},
        )
    for used in (True, False):
        async with acting(env) as session:
            assert await is_in_use(session, market) is used
        if used:
            await retire(env, member_scope(env))
