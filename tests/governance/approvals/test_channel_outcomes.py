"""One value that passes on one channel, needs approval on another and is refused on a third: the approval shows all
three.
"""

from uuid import UUID

import pytest

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.queries import read_approval
from governance.approvals.release import answer_change
from policy.publishing import publish_rules
from policy.rules import PolicyOutcome, PolicyRule, RuleKind
from tests.support.client_env import ClientEnv


@pytest.fixture
async def trade(env: ClientEnv) -> ClientEnv:
    """Small price changes pass, but the market needs approval."""
    dom = str(env.scope.tenant_id)
    rules = [
        PolicyRule("market", RuleKind.GOVERNANCE, "source", dom, PRICE, PolicyOutcome.REVIEW,
                   "r.ctx.channel_kind == 'sandbox-market'", description="The market's prices are looked at."),
        PolicyRule("rest", RuleKind.GOVERNANCE, "source", dom, PRICE, PolicyOutcome.AUTO, "r.ctx.new_minor > 0",
                   description="Prices follow their source."),
    ]  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        await publish_rules(session, env.scope, rules=rules, clock=utc_now, new_id=new_id)
    return env


async def open_change(trade: ClientEnv) -> UUID:
    await trade.deliver(trade.change("SKU-001", PRICE, 1_234))
    await trade.work(until="SELECT count(*) = 1 FROM propagation WHERE state = 'verified'")
    ((change_id,),) = await trade.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    assert isinstance(change_id, UUID)
    return change_id


async def test_the_approval_shows_the_values_state_on_other_channels(trade: ClientEnv) -> None:
    change_id = await open_change(trade)
    async with trade.services.db.transaction(trade.scope) as session:
        detail = await read_approval(session, change_id)
    assert [one.connection_id for one in detail.preview] == [trade.channels["market1"]]
    assert [(one.channel, one.state, one.reason) for one in detail.elsewhere] == [
        ("shop0", "released", "Prices follow their source.")
    ]


async def test_its_answer_sends_the_value_to_its_own_channels_only(trade: ClientEnv) -> None:
    change_id = await open_change(trade)
    member = Scope(trade.scope.msp_id, trade.scope.tenant_id, Actor("member", str(new_id()), "Ada"))
    async with trade.services.db.transaction(member) as session:
        await answer_change(session, change_id, grant=True, reason="", now=utc_now())
    await trade.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    sent = await trade.rows("SELECT connection_id, minor(value) FROM propagation ORDER BY released_at")
    assert sent == [(trade.channels["shop0"], 1_234), (trade.channels["market1"], 1_234)]
