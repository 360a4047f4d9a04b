"""Proposals: previewed without a trace, scheduled, cancelled, and decided at their time in their author's name."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import PRICE
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import id_floor, new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.errors import NothingToChange, OwnedByItsSource
from governance.proposals import scheduled_job
from governance.proposals.lists import SCHEDULED
from governance.proposals.preview import preview_proposal
from governance.proposals.queries import find_scheduled
from governance.proposals.repository import list_due
from governance.proposals.schedule import cancel_proposal, schedule_proposal
from governance.proposals.scheduled_job import propose_scheduled, repair_proposals
from governance.proposals.schemas import ProposalPreview
from governance.proposals.slice import RETAINED
from governance.retention.plan import view_class
from governance.retention.rules import ClientRules
from governance.services import GovernanceServices
from policy.errors import OwnApproval
from tests.governance.changes.test_propose import set_here
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor

SKU = at("SKU-001", PRICE)
TOMORROW = timedelta(days=1)


async def schedule(env: ClientEnv, scope: Scope, amount: int, *, after: timedelta = TOMORROW) -> UUID:
    async with env.services.db.transaction(scope) as session:
        now = utc_now()
        return await schedule_proposal(
            session, key=SKU, value=minor(amount), note="Winter sale", effective_at=now + after, now=now, new_id=new_id
        )


async def preview(env: ClientEnv, amount: int) -> ProposalPreview:
    async with env.services.db.transaction(env.scope) as session:
        return await preview_proposal(session, env.services.governance, key=SKU, value=minor(amount))


async def when_due(env: ClientEnv, *, lapsed: frozenset[str] = frozenset()) -> None:
    """Run the timer's job as of its time."""
    [(due_at,)] = await env.rows("SELECT due_at FROM timer WHERE name = 'governance.propose_scheduled'")
    assert isinstance(due_at, datetime)
    await propose_at(env, due_at + timedelta(seconds=1), lapsed=lapsed)


async def propose_at(env: ClientEnv, now: datetime, *, lapsed: frozenset[str] = frozenset()) -> None:
    services = replace(env.services.get(GovernanceServices), clock=lambda: now)
    async with env.services.db.transaction(env.scope) as session:
        await propose_scheduled(session, services, await list_due(session, until=now, limit=100), lapsed=lapsed)


async def test_a_preview_says_what_policy_would_decide_and_writes_nothing(env: ClientEnv) -> None:
    await seed(env)
    with pytest.raises(OwnedByItsSource):
        await preview(env, 10_400)
    await set_here(env)
    for amount, outcome, rule in (
        (10_400, "auto", "price-small-change"), (13_000, "review", "price-large-change"),
        (4_900, "refuse", "price-below-cost"),
    ):  # fmt: skip
        found = await preview(env, amount)
        [one] = found.decisions
        assert (one.outcome, one.rule_id, len(one.channels)) == (outcome, rule, len(env.channels))
        assert (found.old, found.new) == (minor(10_000), minor(amount))
    with pytest.raises(NothingToChange):
        await preview(env, 10_000)
    assert await env.rows("SELECT DISTINCT minor(new_value) FROM change WHERE element = 'price.list'") == [(10_000,)]


async def test_a_scheduled_value_is_decided_at_its_time_in_its_authors_name(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    await seed(env)
    await set_here(env)
    ada = member_scope(env)
    made = await schedule(env, ada, 13_000)
    assert await env.rows("SELECT count(*) FROM change WHERE origin = 'proposal'") == [(0,)]
    await when_due(env)
    await when_due_again(env)
    [(change, state, author, note)] = await env.rows(
        "SELECT id, state, author, note FROM change WHERE origin = 'proposal'"
    )
    assert (state, author, note) == ("awaiting_approval", ada.actor.id, "Winter sale")
    async with env.services.db.transaction(env.scope) as session:
        found = await find_scheduled(session, made)
    assert (found.state, found.change_id) == ("proposed", change)
    with pytest.raises(OwnApproval):
        async with env.services.db.transaction(ada) as session:
            await answer_change(session, UUID(str(change)), grant=True, reason="mine", now=utc_now())
    async with other_env.services.db.transaction(other_env.scope) as session:
        with pytest.raises(NotFound):
            await find_scheduled(session, made)
        assert await SCHEDULED.load_most(session, utc_now()) == []
    audited = await env.rows("SELECT action FROM audit_entry WHERE action LIKE 'proposal.%' ORDER BY seq")
    assert audited == [("proposal.scheduled",), ("proposal.proposed",)]


async def when_due_again(env: ClientEnv) -> None:
    """Run the job a second time, because a queue may repeat it."""
    await propose_at(env, utc_now() + timedelta(days=2))


async def test_only_values_whose_authors_were_checked_are_proposed(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    early, late = [await schedule(env, member_scope(env), 13_000 + one, after=TOMORROW * (one + 1)) for one in (0, 1)]
    async with env.services.db.transaction(env.scope) as session:
        checked = await list_due(session, until=utc_now() + TOMORROW, limit=100)
        # Meanwhile the second one's time comes, too.
        services = replace(env.services.get(GovernanceServices), clock=lambda: utc_now() + 3 * TOMORROW)
        await propose_scheduled(session, services, checked)
        found = [(await find_scheduled(session, one)).state for one in (early, late)]
    assert found == ["proposed", "scheduled"]


async def test_what_a_refused_value_wrote_is_undone_and_the_makers_of_keys_are_notified(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(env)
    await set_here(env)
    maker = member_scope(env)
    key = replace(maker, actor=Actor("machine", str(new_id()), "Price tool", on_behalf_of=maker.actor.id))
    await schedule(env, key, 13_000)

    async def refuse(session: AsyncSession, *_: object, **__: object) -> UUID:
        append_audit(session, action="change.proposed", subject="change:x", data={}, at=utc_now())
        raise NothingToChange("no")

    monkeypatch.setattr(scheduled_job, "propose_change", refuse)
    await when_due(env)
    assert await env.rows("SELECT count(*) FROM audit_entry WHERE subject = 'change:x'") == [(0,)]
    query = "SELECT payload -> 'members' FROM job WHERE kind = 'tenants.notify_members'"
    assert await env.rows(query) == [([key.actor.id, maker.actor.id],)]


async def test_its_timer_proposes_a_value_and_is_restored(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    await schedule(env, member_scope(env), 10_400, after=timedelta(seconds=1))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE timer SET due_at = NULL WHERE name = 'governance.propose_scheduled'"))
        await repair_proposals(session, utc_now())
    await env.work(until="SELECT count(*) = 1 FROM scheduled_proposal WHERE state = 'proposed'")
    assert await env.rows("SELECT state FROM change WHERE origin = 'proposal'") == [("released",)]


async def test_what_cannot_be_proposed_at_its_time_says_why(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada = member_scope(env)
    made = await schedule(env, ada, 13_000)
    await when_due(env, lapsed=frozenset({ada.actor.id}))
    same = await schedule(env, ada, 10_000)
    await when_due(env)
    async with env.services.db.transaction(env.scope) as session:
        for proposal_id, reason in ((made, "may not propose values any more"), (same, "already")):
            found = await find_scheduled(session, proposal_id)
            assert (found.state, found.change_id) == ("not_proposed", None)
            assert reason in found.failure
    assert await env.rows("SELECT count(*) FROM change WHERE origin = 'proposal'") == [(0,)]
    assert await env.rows("SELECT count(*) FROM job WHERE kind = 'tenants.notify_members'") == [(2,)]


async def test_a_scheduled_value_is_cancelled_once_and_by_its_own_account(env: ClientEnv, other_env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    made = await schedule(env, member_scope(env), 13_000)
    async with other_env.services.db.transaction(other_env.scope) as session:
        with pytest.raises(NotFound):
            await cancel_proposal(session, made, now=utc_now())
    async with env.services.db.transaction(env.scope) as session:
        await cancel_proposal(session, made, now=utc_now())
        with pytest.raises(Conflict, match="already cancelled"):
            await cancel_proposal(session, made, now=utc_now())
    await when_due(env)
    assert await env.rows("SELECT count(*) FROM change WHERE origin = 'proposal'") == [(0,)]


async def test_only_a_possible_value_is_scheduled_for_a_time_ahead(env: ClientEnv) -> None:
    await seed(env)
    ada = member_scope(env)
    with pytest.raises(OwnedByItsSource):
        await schedule(env, ada, 13_000)
    await set_here(env)
    for after in (timedelta(0), -TOMORROW, timedelta(days=400)):
        with pytest.raises(InvalidInput, match="at most a year ahead"):
            await schedule(env, ada, 13_000, after=after)
    when = utc_now() + TOMORROW
    async with env.services.db.transaction(ada) as session:
        for _ in range(2):
            made = schedule_proposal(session, key=SKU, value=minor(1), effective_at=when, now=utc_now(), new_id=new_id)
            if await session.scalar(text("SELECT count(*) FROM scheduled_proposal")):
                with pytest.raises(Conflict, match="scheduled already"):
                    await made
            else:
                await made


async def test_it_is_kept_from_its_end_on_not_from_the_day_on_which_it_was_scheduled(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ago, now = utc_now() - timedelta(days=900), utc_now()
    async with env.services.db.transaction(member_scope(env)) as session:
        made = await schedule_proposal(
            session, key=SKU, value=minor(13_000), effective_at=ago + timedelta(days=366), now=ago,
            new_id=lambda: id_floor(ago),
        )  # fmt: skip
        await cancel_proposal(session, made, now=now)
        rules = ClientRules({}, ())
        due = [(await view_class(session, RETAINED[0], rules, now + timedelta(days=days))).due for days in (0, 800)]
    assert due == [0, 1]
