import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from foundation.database.engine import Database
from foundation.errors import Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from policy.approvals import (
    decide_approval,
    expire_approvals,
    find_approval,
    withdraw_approvals,
)
from policy.binding import bind_content
from policy.errors import (
    ApprovalExpired,
    ApprovalNotPending,
    OwnApproval,
)
from policy.messages import SUPERSEDED
from policy.redeeming import RedeemResult, redeem_approvals
from policy.states import ApprovalState
from tests.policy.approving import (
    HOUR,
    NotRedeemedError,
    answer,
    ask,
    ask_many,
    content,
    redeem,
    redeem_one,
    someone_waits_for,
    state,
    wish,
)
from tests.policy.conftest import NOW, as_member, as_system


@pytest.fixture
def approver(scope: Scope) -> Scope:
    return as_member(scope, "Boss")


class _EffectFailedError(Exception):
    pass


class TestDeciding:
    async def test_someone_else_grants_and_it_is_carried_out_once(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        approval = await ask(db, scope)
        granted = await answer(db, approver, approval)
        assert (granted.state, granted.decided_by, granted.decided_at) == (
            ApprovalState.GRANTED, approver.actor.id, NOW,
        )  # fmt: skip
        await redeem(db, as_system(scope), approval)
        assert await state(db, scope, approval) is ApprovalState.USED
        with pytest.raises(NotRedeemedError, match="used"):
            await redeem(db, as_system(scope), approval)

    async def test_the_requester_cannot_decide(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope)
        with pytest.raises(OwnApproval):
            await answer(db, scope, approval)
        assert await state(db, scope, approval) is ApprovalState.PENDING

    async def test_the_member_behind_an_agent_cannot_decide_its_changes(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        approval = await ask(db, scope, wish(scope, author=approver.actor.id))
        with pytest.raises(OwnApproval):
            await answer(db, approver, approval)

    async def test_the_requester_of_an_approval_cannot_decide_it(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, wish(scope, author="agent:7"))
        with pytest.raises(OwnApproval):
            await answer(db, scope, approval)
        assert await state(db, scope, approval) is ApprovalState.PENDING

    async def test_the_database_refuses_a_decision_by_the_author_too(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope)
        with pytest.raises(Exception, match="decided_by_another"):
            async with db.transaction(scope) as session:
                await session.execute(
                    text(
                        "UPDATE approval SET state = 'granted', decided_by = requested_by"
                        " WHERE tenant_id = :t AND id = :i"
                    ),
                    {"t": scope.tenant_id, "i": approval},
                )

    async def test_nor_by_the_person_whose_key_wrote_it_even_when_it_is_used(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        key = replace(scope, actor=Actor("machine", str(new_id()), "Price tool", on_behalf_of=approver.actor.id))
        approval = await ask(db, key, wish(key, author=approver.actor.id))
        for state_ in ("granted", "used"):
            with pytest.raises(Exception, match="decided_by_another"):
                async with db.transaction(scope) as session:
                    await session.execute(
                        text("UPDATE approval SET state = :s, decided_by = author WHERE tenant_id = :t AND id = :i"),
                        {"s": state_, "t": scope.tenant_id, "i": approval},
                    )

    async def test_only_people_decide(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope)
        with pytest.raises(Forbidden):
            await answer(db, as_system(scope), approval)

    async def test_a_refusal_has_a_reason_and_ends_it(self, db: Database, scope: Scope, approver: Scope) -> None:
        approval = await ask(db, scope)
        with pytest.raises(InvalidInput):
            await answer(db, approver, approval, grant=False, reason=" ")
        await answer(db, approver, approval, grant=False, reason="Too steep")
        with pytest.raises(ApprovalNotPending):
            await answer(db, approver, approval)
        with pytest.raises(NotRedeemedError, match="not_granted"):
            await redeem(db, scope, approval)

    async def test_after_its_time_it_cannot_be_granted(self, db: Database, scope: Scope, approver: Scope) -> None:
        approval = await ask(db, scope)
        async with db.transaction(approver) as session:
            with pytest.raises(ApprovalExpired):
                await decide_approval(session, approver, approval_id=approval, grant=True, now=NOW + HOUR)
        assert await state(db, scope, approval) is ApprovalState.EXPIRED

    async def test_concurrent_answers_have_one_effect(self, db: Database, scope: Scope, approver: Scope) -> None:
        approval = await ask(db, scope)
        chief = as_member(scope, "Chief")
        answers = await asyncio.gather(
            answer(db, approver, approval),
            answer(db, chief, approval, grant=False, reason="No"),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in answers) == ["Approval", "ApprovalNotPending"]


class TestRedeeming:
    async def test_other_content_is_refused_and_leaves_the_approval(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        approval = await ask(db, scope)
        await answer(db, approver, approval)
        with pytest.raises(NotRedeemedError, match="mismatch"):
            await redeem(db, scope, approval, price=101)
        assert await state(db, scope, approval) is ApprovalState.GRANTED

    @pytest.mark.parametrize(
        "changed",
        [
            bind_content({"price.list": 100}, policy_version=2, snapshot={"cost": 50}, target=["shop"]),
            bind_content({"price.list": 100}, policy_version=1, snapshot={"cost": 51}, target=["shop"]),
            bind_content({"price.list": 100}, policy_version=1, snapshot={"cost": 50}, target=["shop", "market"]),
        ],
        ids=["policy", "data", "target"],
    )
    async def test_policy_data_and_target_are_bound_too(
        self, db: Database, scope: Scope, approver: Scope, changed: bytes
    ) -> None:
        approval = await ask(db, scope)
        await answer(db, approver, approval)
        async with db.transaction(scope) as session:
            with pytest.raises(NotRedeemedError, match="mismatch"):
                await redeem_one(session, scope, approval, changed)

    async def test_neither_too_early_nor_too_late(self, db: Database, scope: Scope, approver: Scope) -> None:
        approval = await ask(db, scope)
        with pytest.raises(NotRedeemedError, match="not_granted"):
            await redeem(db, scope, approval)
        await answer(db, approver, approval)
        with pytest.raises(NotRedeemedError, match="expired"):
            await redeem(db, scope, approval, later=HOUR)

    async def test_the_second_redemption_finds_it_used(self, db: Database, scope: Scope, approver: Scope) -> None:
        approval = await ask(db, scope)
        await answer(db, approver, approval)
        async with db.transaction(scope) as session:
            await redeem_one(session, scope, approval, content())
            second = asyncio.create_task(redeem(db, scope, approval))
            while not await someone_waits_for(session):  # noqa: ASYNC110 - PostgreSQL sends no event for it
                await asyncio.sleep(0.01)
        with pytest.raises(NotRedeemedError, match="used"):
            await second

    async def test_a_rolled_back_effect_leaves_the_approval_unused(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        approval = await ask(db, scope)
        await answer(db, approver, approval)
        with pytest.raises(_EffectFailedError):
            await self.redeem_and_fail(db, scope, approval)
        await redeem(db, scope, approval)

    async def redeem_and_fail(self, db: Database, scope: Scope, approval: UUID) -> None:
        async with db.transaction(scope) as session:
            await redeem_one(session, scope, approval, content())
            raise _EffectFailedError

    async def test_a_batch_has_a_result_for_each(self, db: Database, scope: Scope, approver: Scope) -> None:
        good, changed, pending, late = await ask_many(
            db, scope, [wish(scope), wish(scope), wish(scope), replace(wish(scope), expires_at=NOW + HOUR / 2)]
        )
        for approval in (good, changed, late):
            await answer(db, approver, approval)
        unknown = new_id()
        hashes = {one: content() for one in (good, pending, late, unknown)} | {changed: content(99)}
        async with db.transaction(scope) as session:
            first = await redeem_approvals(session, scope, content_hashes=hashes, now=NOW + HOUR / 2)
            again = await redeem_approvals(session, scope, content_hashes={good: content()}, now=NOW)
        assert first == {
            good: RedeemResult.REDEEMED,
            changed: RedeemResult.MISMATCH,
            pending: RedeemResult.NOT_GRANTED,
            late: RedeemResult.EXPIRED,
            unknown: RedeemResult.UNKNOWN,
        }
        assert again == {good: RedeemResult.USED}


class TestRequesting:
    async def test_the_same_content_is_the_same_approval(self, db: Database, scope: Scope, approver: Scope) -> None:
        subject = new_id()
        first = await ask(db, scope, wish(scope, subject=subject))
        assert await ask(db, scope, wish(scope, subject=subject)) == first
        await answer(db, approver, first)
        assert await ask(db, scope, wish(scope, subject=subject)) == first

    async def test_other_content_withdraws_even_a_granted_one(
        self, db: Database, scope: Scope, approver: Scope
    ) -> None:
        subject = new_id()
        first = await ask(db, scope, wish(scope, subject=subject))
        await answer(db, approver, first)
        second = await ask(db, scope, wish(scope, subject=subject, price=120))
        assert second != first
        assert await state(db, scope, first) is ApprovalState.WITHDRAWN
        with pytest.raises(NotRedeemedError, match="not_granted"):
            await redeem(db, scope, first)

    async def test_ids_are_in_the_order_of_the_requests(self, db: Database, scope: Scope) -> None:
        requests = sorted((wish(scope) for _ in range(40)), key=lambda request: request.content_hash[0])
        requests.reverse()
        ids = await ask_many(db, scope, requests)
        async with db.transaction(scope) as session:
            rows = await session.execute(text("SELECT id, subject_id FROM approval"))
            found = {row.id: row.subject_id for row in rows}
        assert [found[one] for one in ids] == [request.subject_id for request in requests]

    async def test_empty_and_duplicate_requests_are_handled(self, db: Database, scope: Scope) -> None:
        assert await ask_many(db, scope, []) == []
        subject = new_id()
        with pytest.raises(InvalidInput):
            await ask_many(db, scope, [wish(scope, subject=subject), wish(scope, subject=subject)])


class TestEnding:
    async def test_expiring_and_withdrawing_are_set_based(self, db: Database, scope: Scope, approver: Scope) -> None:
        stays, ends, gone = await ask_many(
            db, scope, [wish(scope), replace(wish(scope), expires_at=NOW + HOUR / 2), wish(scope)]
        )
        await answer(db, approver, ends)
        await answer(db, approver, gone)
        async with db.transaction(scope) as session:
            assert [one.id for one in await expire_approvals(session, scope, now=NOW + HOUR / 2)] == [ends]
            subject = await session.scalar(text("SELECT subject_id FROM approval WHERE id = :id"), {"id": gone})
            assert subject is not None
            withdrawn = await withdraw_approvals(
                session, scope, subject_kind="change", subject_ids=[subject], cause=SUPERSEDED.fill(), now=NOW
            )
            cause = await session.scalar(text("SELECT cause FROM approval WHERE id = :id"), {"id": gone})
        assert [(one.id, one.state, one.reason) for one in withdrawn] == [(gone, ApprovalState.WITHDRAWN, "")]
        assert cause == {"code": "approval.superseded", "params": {}}
        assert await state(db, scope, ends) is ApprovalState.EXPIRED
        assert await state(db, scope, stays) is ApprovalState.PENDING


class TestIsolation:
    async def test_another_tenant_can_neither_see_nor_decide_nor_redeem(
        self, db: Database, scope: Scope, approver: Scope, sibling_scope: Scope, other_scope: Scope
    ) -> None:
        approval = await ask(db, scope)
        for stranger in (sibling_scope, other_scope):
            with pytest.raises(NotFound):
                await answer(db, stranger, approval)
        await answer(db, approver, approval)
        for stranger in (sibling_scope, other_scope):
            with pytest.raises(NotRedeemedError, match="unknown"):
                await redeem(db, stranger, approval)
            async with db.transaction(stranger) as session:
                assert await session.scalar(text("SELECT count(*) FROM approval")) == 0
                assert await expire_approvals(session, stranger, now=NOW + HOUR) == []
                with pytest.raises(NotFound):
                    await find_approval(session, stranger, approval_id=approval)
        assert await state(db, scope, approval) is ApprovalState.GRANTED

    async def test_naming_the_tenant_is_not_enough(
        self, db: Database, scope: Scope, approver: Scope, other_scope: Scope
    ) -> None:
        """Row-level security applies as well: a query for the right tenant in the wrong transaction finds nothing."""
        approval = await ask(db, scope)
        await answer(db, approver, approval)
        async with db.transaction(other_scope) as session:
            with pytest.raises(NotRedeemedError, match="unknown"):
                await redeem_one(session, scope, approval, content())

    async def test_an_msp_reads_its_own_clients_approvals_and_changes_none(
        self, db: Database, scope: Scope, sibling_scope: Scope, other_scope: Scope
    ) -> None:
        mine = {await ask(db, scope), await ask(db, sibling_scope)}
        await ask(db, other_scope)
        fleet = scope.for_tenant(scope.msp_id).for_fleet()
        async with db.transaction(fleet) as session:
            assert set((await session.execute(text("SELECT id FROM approval"))).scalars()) == mine
            with pytest.raises(ProgrammingError, match="permission denied"):
                await session.execute(text("UPDATE approval SET state = 'granted'"))

    async def test_partner_users_see_no_approvals(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope)
        partner = replace(scope, partner_id=new_id())
        async with db.transaction(partner) as session:
            with pytest.raises(NotFound):
                await find_approval(session, partner, approval_id=approval)
