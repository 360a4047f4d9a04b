"""Binding of approvals: an approval covers one exact content; anything else is refused, or decided again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from canonical.elements import COST, PRICE
from canonical.values import Value
from foundation.clock import utc_now
from foundation.errors import NotFound
from foundation.i18n.messages import TEXT
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.answer import answer_displayed
from governance.approvals.expiry_job import expire_waiting
from governance.approvals.explanation import describe_approval
from governance.approvals.release import answer_change, release_changes
from governance.approvals.schemas import AnswerInput, DecisionExplanation
from governance.changes.content_hash import content_hash
from governance.changes.rows import ChangeRow
from governance.errors import ApprovalOutdated, NotAwaiting
from governance.records.rows import Channel, ValueRow
from policy.errors import OwnApproval
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from policy.redeeming import RedeemResult, redeem_approvals
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor

SKU = "SKU-001"
COST_MOVED = """UPDATE record_value SET value = jsonb_set(value, '{amount}', '"99.9"') WHERE element = 'price.cost'"""
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SHOP, MARKET = Channel(UUID(int=1), None, "Shop"), Channel(UUID(int=2), None, "Market")
ASKED = ChangeRow(
    *at(SKU, PRICE), id=UUID(int=3), old_value=minor(10_000), new_value=minor(12_000), source_version=4,
    version=None, origin="source",
    author="connection:erp", state="awaiting_approval",
    outcome="review", rule_id="r", reason=TEXT.fill(text="large"), policy_version=7, cost_value=minor(5_000),
    targets=None, approval_id=None,
    source_event_id=None, committed_at=NOW, proposed_at=NOW, correlation="c",
)  # fmt: skip
ERP, WAREHOUSE = UUID(int=7), UUID(int=8)
KNOWN = ValueRow(
    *at(SKU, PRICE), minor(12_000), 4, None, value=minor(10_000), version=2, source_connection_id=ERP
)  # fmt: skip


def hashed(
    *,
    change: ChangeRow = ASKED,
    value: ValueRow = KNOWN,
    cost: Value | None = minor(5_000, "USD"),  # noqa: B008 - a value
    channels: Sequence[Channel] = (SHOP, MARKET),
    policy_version: int = 7,
    source: UUID | None = ERP,
) -> bytes:
    return content_hash(change, value, cost, channels, policy_version=policy_version, source=source)


@pytest.mark.parametrize(
    "other",
    [
        *({"change": replace(ASKED, **part)} for part in (
            {"record_key": "SKU-002"}, {"element": COST}, {"dimension": "currency=USD"}, {"record_type": "customer"},
            {"new_value": minor(12_001)}, {"new_value": minor(12_000, "EUR")},
            {"origin": "rollback"}, {"targets": [SHOP.connection_id]},
        )),
        *({"value": replace(KNOWN, **part)} for part in (
            {"value": minor(10_001)}, {"value": minor(10_000, "EUR")}, {"version": 3},
            {"source_value": minor(12_001)}, {"source_value": minor(12_000, "EUR")},
        )),
        {"cost": None}, {"cost": minor(5_001, "USD")}, {"cost": minor(5_000, "EUR")},
        {"channels": [SHOP]}, {"channels": [SHOP, MARKET, Channel(UUID(int=9), None, "New")]}, {"policy_version": 8},
        {"source": WAREHOUSE}, {"source": None},
    ],
    ids=str,
)  # fmt: skip
def test_any_difference_changes_the_content_hash(other: dict[str, Any]) -> None:
    assert hashed(**other) != hashed()


@pytest.mark.parametrize(
    "same",
    [
        {"change": replace(ASKED, id=UUID(int=4), correlation="other", proposed_at=NOW + timedelta(hours=1))},
        {"value": replace(KNOWN, source_version=5, source_event_id=UUID(int=5))},
        {"channels": [MARKET, SHOP]},
        {"value": replace(KNOWN, source_connection_id=WAREHOUSE), "source": WAREHOUSE},
    ],
    ids=["when and where it came from", "said again by the source", "order of channels", "said by its new owner"],
)
def test_changes_without_effect_preserve_the_approval(same: dict[str, Any]) -> None:
    assert hashed(**same) == hashed()


def member_scope(env: ClientEnv, actor_id: str = "") -> Scope:
    return Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", actor_id or str(new_id()), "Ada"))


async def waiting(env: ClientEnv, amount: int = 10_000) -> UUID:
    """A first price, which always needs approval."""
    await env.deliver(env.change(SKU, COST, 5_000), env.change(SKU, PRICE, amount))
    await env.work()
    rows = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    assert len(rows) == 1
    return UUID(str(rows[0][0]))


async def answer(env: ClientEnv, change_id: UUID, *, grant: bool = True, actor_id: str = "") -> None:
    async with env.services.db.transaction(member_scope(env, actor_id)) as session:
        await answer_change(session, change_id, grant=grant, reason="looked at it", now=utc_now())


async def approved(env: ClientEnv) -> UUID:
    """An approved change that waits for the worker."""
    change_id = await waiting(env)
    await answer(env, change_id)
    return change_id


async def commit_change(env: ClientEnv, sql: str) -> None:
    """Another change that is committed before the worker processes the approval."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text(sql))
    await env.work(settle=0.5)


async def pushed(env: ClientEnv) -> int:
    rows = await env.rows("SELECT count(*) FROM propagation WHERE state IN ('accepted', 'verified')")
    return int(str(rows[0][0]))


async def test_the_source_changes_between_approval_and_execution(env: ClientEnv) -> None:
    """The approved value is not sent; the newer one has its own decision and its own approval."""
    await approved(env)
    await commit_change(
        env,
        "UPDATE record_value SET source_value = jsonb_set(source_value, '{amount}', '\"110\"'),"
        " source_version = source_version + 1",
    )
    assert await pushed(env) == 0
    assert await env.rows("SELECT code FROM governance_exception") == [("approval.stale",)]
    states = await env.rows("SELECT state, count(*) FROM approval GROUP BY state ORDER BY state")
    assert states == [("pending", 1), ("withdrawn", 1)]


async def test_a_cost_changed_before_execution_invalidates_the_approval(env: ClientEnv) -> None:
    await approved(env)
    await commit_change(env, COST_MOVED)
    assert await pushed(env) == 0


async def test_the_policy_changes_before_execution(env: ClientEnv) -> None:
    change_id = await approved(env)
    rules = [rule for rule in starter_rules(str(env.scope.tenant_id)) if rule.id != "stock-negative"]
    async with env.services.db.transaction(env.scope) as session:
        await publish_rules(session, env.scope, rules=rules, clock=utc_now, new_id=new_id)
    await env.work(settle=0.5)
    assert await pushed(env) == 0, "it was approved under another policy"
    rows = await env.rows("SELECT state, policy_version FROM change WHERE id = :id", id=change_id)
    assert rows[0][0] == "awaiting_approval"


async def test_a_new_channel_since_the_approval_is_another_target(env: ClientEnv) -> None:
    await approved(env)
    await commit_change(env, "UPDATE connection SET state = 'paused' WHERE name = 'shop0'")
    assert await pushed(env) == 0


async def test_an_answer_to_an_earlier_request_is_refused(env: ClientEnv) -> None:
    """While the page is open, somebody approves; that approval is found stale and requested again; then "Approve" is
    clicked.
    """
    change_id = await approved(env)
    ((seen,),) = await env.rows("SELECT id FROM approval")
    await commit_change(env, COST_MOVED)
    async with env.services.db.transaction(member_scope(env)) as session:
        with pytest.raises(NotAwaiting):
            await answer_change(session, change_id, grant=True, reason="", now=utc_now(), seen=UUID(str(seen)))
    ((asked,),) = await env.rows("SELECT id FROM approval WHERE state = 'pending'")
    async with env.services.db.transaction(member_scope(env)) as session:
        await answer_change(session, change_id, grant=True, reason="", now=utc_now(), seen=UUID(str(asked)))


class TestAnAnswerToWhatWasDisplayed:
    """Answers name the displayed content, on the page and over the API."""

    async def test_is_refused_once_the_cost_moved_and_holds_for_what_is_displayed_then(self, env: ClientEnv) -> None:
        change_id = await waiting(env)
        before = await displayed(env, change_id)
        await commit_change(env, COST_MOVED)
        for grant in (True, False):
            with pytest.raises(ApprovalOutdated):
                await answer_page(env, change_id, before, grant=grant)
        assert await env.rows("SELECT state FROM approval") == [("pending",)], "neither of them counted"
        after = await displayed(env, change_id)
        assert after.content != before.content
        assert [one.value for one in after.facts if one.label == "Cost"] == ["$50.00"], "as it was decided on"
        await answer_page(env, change_id, after)
        await env.work(settle=20.0)
        assert await pushed(env) == 2
        assert await env.rows("SELECT code FROM governance_exception") == [], "it was not requested again"
        assert await env.rows("SELECT minor(cost_value) FROM change WHERE id = :id", id=change_id) == [(9_990,)]
        states = await env.rows("SELECT state, count(*) FROM approval GROUP BY state ORDER BY state")
        assert states == [("used", 1), ("withdrawn", 1)]

    async def test_is_refused_once_the_policy_or_a_channel_changed(self, env: ClientEnv) -> None:
        change_id = await waiting(env)
        before = await displayed(env, change_id)
        await commit_change(env, "UPDATE connection SET state = 'paused' WHERE name = 'shop0'")
        with pytest.raises(ApprovalOutdated):
            await answer_page(env, change_id, before)

    async def test_says_the_facts_and_the_alternatives(self, env: ClientEnv) -> None:
        change_id = await waiting(env)
        await answer_page(env, change_id, await displayed(env, change_id))
        await env.work(settle=20.0)
        await env.deliver(env.change(SKU, PRICE, 12_000))
        await env.work()
        ((second,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
        found = await displayed(env, UUID(str(second)))
        facts = {one.label: (one.value, one.threshold) for one in found.facts}
        assert facts["Change in percent"] == ("20%", "a change of more than 5%")
        assert facts["Channel"] == ("shop0, market1", "")
        texts = {one.kind: one.text for one in found.alternatives}
        assert texts["pass"] == "Up to $105.00 it passes automatically."
        assert texts["source"] == "Set another value in ERP, its source of truth."
        assert texts["decline"] == "Decline: buyers keep seeing $100.00."
        assert (await displayed(env, change_id)).alternatives == [], "it was answered"

    async def test_of_another_tenant_is_not_found(self, env: ClientEnv, other_env: ClientEnv) -> None:
        change_id = await waiting(env)
        shown = await displayed(env, change_id)
        with pytest.raises(NotFound):
            await displayed(other_env, change_id)
        with pytest.raises(NotFound):
            await answer_page(other_env, change_id, shown)


async def displayed(env: ClientEnv, change_id: UUID) -> DecisionExplanation:
    async with env.services.db.transaction(member_scope(env)) as session:
        found = (await describe_approval(session, env.services.governance, change_id)).explanation
    assert found is not None
    return found


async def answer_page(env: ClientEnv, change_id: UUID, shown: DecisionExplanation, *, grant: bool = True) -> None:
    answered = AnswerInput(grant, "looked at it", content=shown.content)
    async with env.services.db.transaction(member_scope(env)) as session:
        await answer_displayed(session, env.services.governance, change_id, answered, now=utc_now())


async def test_an_approval_cannot_be_replayed_on_other_content(env: ClientEnv) -> None:
    change_id = await approved(env)
    ((approval_id,),) = await env.rows("SELECT id FROM approval")
    approval = UUID(str(approval_id))
    async with env.services.db.transaction(env.scope) as session:
        now = utc_now()
        other = await redeem_approvals(session, env.scope, content_hashes={approval: bytes(32)}, now=now)
    assert other == {approval: RedeemResult.MISMATCH}
    await env.work(settle=20.0)
    assert await pushed(env) == 2
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE change SET state = 'awaiting_approval'"))
        await release_changes(session, env.services.governance, [change_id])
    states = await env.rows("SELECT state FROM approval ORDER BY created_at")
    assert states[0] == ("used",), "used once, never again"
    assert await env.rows("SELECT state FROM change") == [("awaiting_approval",)]


async def test_the_author_cannot_approve(env: ClientEnv) -> None:
    change_id = await waiting(env)
    with pytest.raises(OwnApproval):
        await answer(env, change_id, actor_id=f"connection:{env.erp}")


async def test_an_answer_counts_once(env: ClientEnv) -> None:
    change_id = await waiting(env)
    await answer(env, change_id, grant=False)
    with pytest.raises(NotAwaiting):
        await answer(env, change_id)
    await env.work(settle=0.3)
    assert await pushed(env) == 0


async def test_a_newer_value_withdraws_the_open_approval(env: ClientEnv) -> None:
    first = await waiting(env)
    await env.deliver(env.change(SKU, PRICE, 12_000))
    await env.work()
    rows = await env.rows("SELECT id, state FROM change ORDER BY proposed_at")
    assert [state for _, state in rows] == ["superseded", "awaiting_approval"]
    impacts = await env.rows("SELECT impact_amount, impact_currency FROM approval ORDER BY created_at")
    assert impacts == [(100, "USD"), (120, "USD")], "a first price differs by its full amount"
    with pytest.raises(NotAwaiting):
        await answer(env, first)


async def test_an_unanswered_approval_expires(env: ClientEnv) -> None:
    await waiting(env)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE approval SET expires_at = now() - interval '1 second'"))
        await session.execute(text("UPDATE timer SET due_at = now() WHERE name = 'governance.expire_approvals'"))
    await env.work()
    assert await env.rows("SELECT state FROM change") == [("expired",)]
    assert await env.rows("SELECT code FROM governance_exception") == [("approval.expired",)]


async def test_an_approval_not_executed_in_time_opens_an_exception(env: ClientEnv) -> None:
    await answer(env, await waiting(env))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE approval SET expires_at = now() - interval '1 second'"))
        await expire_waiting(session, env.services.governance)
    assert await env.rows("SELECT state FROM change") == [("expired",)]
    [found] = await env.exceptions()
    assert found.title == "An approval expired before publishing"
    assert "was approved" in found.detail


async def test_another_tenant_cannot_answer(env: ClientEnv, other_env: ClientEnv) -> None:
    change_id = await waiting(env)
    with pytest.raises(NotFound):
        await answer(other_env, change_id)
