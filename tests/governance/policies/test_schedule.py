"""Scheduled versions: in force from their time, withdrawn before, and never about a retired element."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Scope
from governance.policies import drafts
from governance.policies.errors import NothingDrafted, OwnDraft
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import list_published, read_draft, read_replay, read_scheduled
from governance.policies.replay_job import start_replay
from governance.policies.schedule import (
    publish_scheduled,
    repair_publication,
    schedule_publication,
    withdraw_scheduled,
)
from governance.policies.schemas import RuleSource, ScheduledVersionView
from governance.policies.states import DraftState
from governance.services import GovernanceServices
from policy.errors import InvalidRule
from policy.rule_form import RuleForm, RuleOutcome
from tests.governance.elements.test_retired_elements import CODE, declare, retire
from tests.governance.elements.test_retired_elements import report as report_label
from tests.governance.policies.test_inherited_policy import as_member, find, policy, publish, put
from tests.support.client_env import ClientEnv
from tests.support.values import plain

HOUR = timedelta(hours=1)
REFUSE = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE)
LABELS = RuleForm(element=CODE, outcome=RuleOutcome.REVIEW)


async def draft(env: ClientEnv, form: RuleForm = REFUSE) -> str:
    async with env.services.db.transaction(as_member(env.scope, "Ann")) as session:
        return (await drafts.put_rule(session, form, now=utc_now(), new_id=new_id)).id


async def schedule(env: ClientEnv, at: datetime, *, revision: int = 1) -> UUID:
    async with env.services.db.transaction(as_member(env.scope, "Bob")) as session:
        return await schedule_publication(session, revision=revision, publish_at=at, now=utc_now())


async def scheduled(env: ClientEnv, scope: Scope | None = None) -> list[ScheduledVersionView]:
    async with env.services.db.transaction(scope or env.scope) as session:
        return await read_scheduled(session)


async def withdraw(env: ClientEnv, draft_id: UUID, scope: Scope) -> DraftState:
    async with env.services.db.transaction(as_member(scope, "Bob")) as session:
        return await withdraw_scheduled(session, draft_id, now=utc_now())


async def at_its_time(env: ClientEnv) -> None:
    """Run the timer's job as of two hours from now."""
    [(due_at,)] = await env.rows("SELECT due_at FROM timer WHERE name = 'governance.publish_scheduled_policy'")
    assert isinstance(due_at, datetime)
    services = replace(env.services.get(GovernanceServices), clock=lambda: due_at + timedelta(seconds=1))
    async with env.services.db.transaction(env.scope) as session:
        await publish_scheduled(session, services)


async def soon(env: ClientEnv) -> None:
    """Schedule the draft for a moment ahead, and restore its lost timer."""
    now = utc_now()
    async with env.services.db.transaction(as_member(env.scope, "Bob")) as session:
        await schedule_publication(session, revision=1, publish_at=now + timedelta(seconds=1), now=now)
        await session.execute(text("UPDATE timer SET due_at = NULL WHERE name = 'governance.publish_scheduled_policy'"))
        await repair_publication(session, now)


async def outcomes(env: ClientEnv) -> list[tuple[object, ...]]:
    return await env.rows("SELECT outcome, policy_version FROM change ORDER BY id")


async def test_a_version_decides_from_its_time_and_changes_name_it(env: ClientEnv, other_env: ClientEnv) -> None:
    rule_id = await draft(env)
    await schedule(env, utc_now() + HOUR)
    [one] = await scheduled(env)
    assert (one.state, one.scheduled_by, [each.rule_id for each in one.differences]) == ("scheduled", "Bob", [rule_id])
    assert await scheduled(env, other_env.scope) == []
    await env.deliver(env.change("SKU-1", PRICE, 10_000))
    await env.work(until="SELECT count(*) = 1 FROM change")
    await at_its_time(env)
    await env.deliver(env.change("SKU-1", PRICE, 10_100))
    await env.work(until="SELECT count(*) = 2 FROM change")
    [(_, before), (after, version)] = await outcomes(env)
    assert (before, after, version) == (1, "refuse", 2)
    async with env.services.db.transaction(env.scope) as session:
        newest, *_ = await list_published(session)
    assert (newest.version, newest.published_by, newest.editors) == (2, "Bob", ["Ann"])
    assert await scheduled(env) == []


async def test_its_timer_publishes_a_version_and_is_restored(env: ClientEnv) -> None:
    await draft(env)
    await soon(env)
    await env.work(until="SELECT state = 'published' FROM policy_draft")
    assert (await policy(env, env.scope)).version == 2


async def test_a_scheduled_version_of_an_msp_reaches_its_clients_at_its_time(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    of_msp = replace(env, scope=env.msp_account)
    rule_id = await draft(of_msp)
    await soon(of_msp)
    assert await find(env, env.scope, rule_id) is None
    await of_msp.work(until="SELECT state = 'published' FROM policy_draft")
    assert (await find(env, env.scope, rule_id)).source is RuleSource.INHERITED
    assert await find(other_env, other_env.scope, rule_id) is None


async def test_a_scheduled_version_names_the_version_that_its_replay_compared_it_with(env: ClientEnv) -> None:
    await draft(env)
    async with env.services.db.transaction(as_member(env.scope, "Ann")) as session:
        replay_id = await start_replay(session, env.services.get(GovernanceServices), days=1, now=utc_now())
    await schedule(env, utc_now() + HOUR)
    await env.work(until="SELECT state <> 'running' FROM policy_replay")
    [one] = await scheduled(env)
    assert one.replay is not None
    assert one.replay.state == "done"
    assert (one.replay.id, one.replay.policy_version, one.policy_version, one.replay.is_current) == (
        replay_id,
        1,
        1,
        True,
    )
    await put(env, env.scope, RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW))
    [one] = await scheduled(env)
    assert one.replay is not None
    assert (one.replay.policy_version, one.policy_version, one.replay.is_current) == (1, 2, False)


async def test_a_scheduled_version_is_replayed_anew_and_keeps_the_result_while_its_content_is_the_same(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    rule_id = await draft(env)
    draft_id = await schedule(env, utc_now() + HOUR)
    await put(env, env.scope, RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW))
    await env.deliver(env.change("SKU-1", PRICE, 10_000))
    await env.work(until="SELECT count(*) = 1 FROM change")

    async def start(one: ClientEnv, scheduled: UUID) -> UUID:
        async with one.services.db.transaction(as_member(one.scope, "Cyd")) as session:
            services = one.services.get(GovernanceServices)
            later = utc_now() + timedelta(seconds=1)
            return await start_replay(session, services, days=1, scheduled=scheduled, now=later)

    for stranger in (other_env, replace(env, scope=env.msp_account)):
        with pytest.raises(NotFound):
            await start(stranger, draft_id)
    replay_id = await start(env, draft_id)
    await env.work(until="SELECT state = 'done' FROM policy_replay")
    [one] = await scheduled(env)
    assert one.replay is not None
    assert (one.replay.id, one.replay.policy_version, one.replay.is_current) == (replay_id, 2, True)
    assert (one.replay.of_scheduled, [(way.before, way.after) for way in one.replay.moves]) == (
        True,
        [("review", "refuse")],
    )
    assert await withdraw(env, draft_id, env.scope) is DraftState.OPEN

    async def is_current() -> bool:
        async with env.services.db.transaction(env.scope) as session:
            return (await read_replay(session, replay_id)).is_current

    edits = as_member(env.scope, "Ann")
    for form, expected in ((RuleForm(element=PRICE, outcome=RuleOutcome.AUTO), False), (REFUSE, True)):
        async with env.services.db.transaction(edits) as session:
            await drafts.put_rule(session, form, rule_id=rule_id, now=utc_now(), new_id=new_id)
        assert await is_current() is expected, "an edit that is undone leaves the same content"
    with pytest.raises(NotFound):
        await start(env, draft_id)  # it is an open draft again


async def test_a_scheduled_version_is_withdrawn_and_drafted_again(env: ClientEnv, other_env: ClientEnv) -> None:
    await draft(env)
    draft_id = await schedule(env, utc_now() + timedelta(days=1))
    with pytest.raises(NotFound):
        await withdraw(env, draft_id, other_env.scope)
    assert await withdraw(env, draft_id, env.scope) is DraftState.OPEN
    draft_id = await schedule(env, utc_now() + timedelta(days=1))
    await draft(env, RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW))
    assert await withdraw(env, draft_id, env.scope) is DraftState.WITHDRAWN
    with pytest.raises(NotFound):
        await withdraw(env, draft_id, env.scope)
    assert (await policy(env, env.scope)).version == 1


async def test_an_editor_schedules_nothing_and_a_time_lies_ahead(env: ClientEnv) -> None:
    editor, now = as_member(env.scope, "Ann"), utc_now()
    async with env.services.db.transaction(editor) as session:
        await drafts.put_rule(session, REFUSE, now=now, new_id=new_id)
        with pytest.raises(OwnDraft):
            await schedule_publication(session, revision=1, publish_at=now + timedelta(days=1), now=now)
    for days in (-1, 0, 400):
        with pytest.raises(InvalidInput, match="at most a year ahead"):
            await schedule(env, now + timedelta(days=days))


async def test_a_version_about_an_element_retired_meanwhile_is_not_published(env: ClientEnv) -> None:
    await declare(env, env.msp_account)
    await draft(env, LABELS)
    await schedule(env, utc_now() + HOUR)
    await retire(env, env.msp_account)
    await at_its_time(env)
    [one] = await scheduled(env)
    assert (one.state, "Care label, which is retired" in one.failure) == ("failed", True)
    assert (await policy(env, env.scope)).version == 1
    assert await withdraw(env, one.id, env.scope) is DraftState.OPEN
    async with env.services.db.transaction(as_member(env.scope, "Bob")) as session:
        with pytest.raises(InvalidRule, match="Care label, which is retired"):
            await publish_draft(session, env.services.get(GovernanceServices), revision=1, now=utc_now())


async def test_a_rollback_leaves_out_rules_about_retired_elements_and_lists_them(env: ClientEnv) -> None:
    await declare(env, env.msp_account)
    rule_id = await put(env, env.scope, LABELS)
    async with env.services.db.transaction(as_member(env.scope, "Ann")) as session:
        await drafts.remove_rule(session, rule_id, now=utc_now(), new_id=new_id)
    await publish(env, env.scope)
    await retire(env, env.msp_account)
    restore_at = as_member(env.scope, "Ann")
    async with env.services.db.transaction(restore_at) as session:
        with pytest.raises(NothingDrafted, match="retired"):
            await drafts.restore_version(session, 2, now=utc_now(), new_id=new_id)
    await put(env, env.scope, REFUSE)
    async with env.services.db.transaction(restore_at) as session:
        await drafts.restore_version(session, 2, now=utc_now(), new_id=new_id)
        found = await read_draft(session, restore_at.actor, may_publish=True)
    assert [one.id for one in found.left_out] == [rule_id]
    assert rule_id not in {one.rule_id for one in found.differences}


async def test_a_retired_element_without_a_contract_opens_no_exception(env: ClientEnv) -> None:
    await declare(env, env.msp_account)
    await retire(env, env.msp_account)
    await report_label(env, plain("Laver à 40°"))
    assert await env.rows("SELECT count(*) FROM governance_exception WHERE code = 'contract.missing'") == [(0,)]
    assert await env.rows("SELECT element FROM held_observation") == [(CODE,)]
