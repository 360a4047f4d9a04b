"""Rules that name approvers: combination of their requirements, and counting of approvals."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from foundation.database.engine import Database
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.scope import Scope
from policy import publishing
from policy.approvals import ApprovalRequest, find_approval
from policy.approvers import Approvers, Vote, combine_approvers, count_given, missing_approvers
from policy.casbin_line import casbin_text
from policy.errors import AlreadyApproved, ApprovalNotPending, InvalidRule, NotAnApprover, OwnApproval
from policy.history import rules_at
from policy.index import PolicyIndex, approver_roles, compile_rules, decide
from policy.packaged import system_rules
from policy.publishing import publish_rules
from policy.roles import RoleContent, create_role
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind, rule_fields, rule_from
from policy.states import ApprovalState
from tests.policy.approving import answer, ask, state, wish
from tests.policy.conftest import NOW, as_member, now

PRICE = "price.list"
FINANCE = PolicyRule("finance-decides", RuleKind.PERMISSION, "finance", "", "approval", "decide")


def review(rule_id: str, condition: str = "", *, approver: str = "", approvals: int = 1) -> PolicyRule:
    return PolicyRule(
        rule_id, RuleKind.GOVERNANCE, "*", "t1", PRICE, "review", condition, approver=approver, approvals=approvals
    )


def with_roles(scope: Scope, name: str, *roles: str) -> Scope:
    member = as_member(scope, name)
    return replace(member, actor=replace(member.actor, roles=roles))


def request(scope: Scope, *approvers: Approvers) -> ApprovalRequest:
    return replace(wish(scope), approvers=approvers)


class TestDecisions:
    def test_every_rule_that_asks_for_the_review_adds_its_approvers(self) -> None:
        index = compile_rules(
            [
                review("any-two", approvals=2),
                review("large", "r.ctx.change_bp > 500", approver="finance"),
                review("huge", "r.ctx.change_bp > 2000", approver="finance", approvals=2),
                review("euro", "r.ctx.currency == 'EUR'", approver="sales"),
            ],
            tenant_id="t1", version=1,
        )  # fmt: skip
        small = decide(index, "erp", PRICE, {"change_bp": 100, "currency": "USD"})
        assert small.approvers == (Approvers("", 2),)
        large = decide(index, "erp", PRICE, {"change_bp": 501, "currency": "EUR"})
        assert large.approvers == (Approvers("", 2), Approvers("finance", 1), Approvers("sales", 1))
        assert Approvers("finance", 2) in decide(index, "erp", PRICE, {"change_bp": 9_000, "currency": "USD"}).approvers

    def test_a_rule_whose_facts_are_unknown_requires_its_approvers(self) -> None:
        index = compile_rules([review("large", "r.ctx.change_bp > 500", approver="finance")], tenant_id="t1", version=1)
        assert decide(index, "erp", PRICE, {}).approvers == (Approvers("finance", 1),)

    def test_a_change_that_passes_or_is_refused_requires_nobody(self) -> None:
        passing = PolicyRule("auto", RuleKind.GOVERNANCE, "*", "t1", PRICE, "auto")
        lifted = PolicyRule("lift", RuleKind.GOVERNANCE, "*", "t1", PRICE, "review", effect=Effect.DENY)
        index = compile_rules([review("two", approvals=2), passing, lifted], tenant_id="t1", version=1)
        found = decide(index, "erp", PRICE, {})
        assert (found.outcome, found.approvers) == (PolicyOutcome.AUTO, ())

    @pytest.mark.parametrize(("approver", "approvals"), [("finance", 1), ("", 2)])
    def test_only_a_rule_that_asks_for_approval_names_approvers(self, approver: str, approvals: int) -> None:
        rule = replace(review("pass", approver=approver, approvals=approvals), act="auto")
        with pytest.raises(InvalidRule, match="asks for no approval"):
            compile_rules([rule], tenant_id="t1", version=1)

    @pytest.mark.parametrize("number", [0, -1, 6])
    def test_the_number_of_approvals_is_bounded(self, number: int) -> None:
        with pytest.raises(InvalidRule):
            compile_rules([review("some", approver="finance", approvals=number)], tenant_id="t1", version=1)

    def test_roles_that_can_approve_are_those_allowed_to_and_those_that_include_them(self) -> None:
        found = approver_roles(compile_rules([*system_rules(), replace(FINANCE, dom="t1")], tenant_id="t1", version=1))
        assert {"finance", "client_approver", "client_admin", "msp_admin"} <= set(found)
        assert not {"client_viewer", "partner", "msp_operator"} & set(found)

    def test_the_line_of_casbin_names_them(self) -> None:
        assert casbin_text(review("two", approver="finance", approvals=2)).endswith("allow,two,finance,2")


class TestFields:
    def test_a_rule_survives_being_stored_as_texts(self) -> None:
        rule = replace(review("two", approver="finance", approvals=2), dom="")
        assert rule_from("two", rule_fields(rule)) == rule
        plain = replace(review("one"), dom="")
        assert rule_from("one", rule_fields(plain)) == plain


class TestPublishing:
    async def test_approvers_are_published_and_come_back_with_an_earlier_version(
        self, db: Database, scope: Scope
    ) -> None:
        async with db.transaction(scope) as session:
            rules = [FINANCE, review("two", approver="finance", approvals=2)]
            await publish_rules(session, scope, rules=rules, clock=now, new_id=new_id)
            await publish_rules(session, scope, rules=[], clock=now, new_id=new_id)
            [rule] = [one for one in await rules_at(session, scope, 1) if one.id == "two"]
        assert (rule.approver, rule.approvals) == ("finance", 2)

    async def test_a_role_that_cannot_answer_approvals_is_refused(self, db: Database, scope: Scope) -> None:
        async with db.transaction(scope) as session:
            for role in ("finance", "client_viewer"):
                rules = [review("large", approver=role)]
                with pytest.raises(InvalidRule, match="cannot answer approvals"):
                    await publish_rules(session, scope, rules=rules, clock=now, new_id=new_id)

    async def test_roles_of_the_clients_own_approve_in_it_and_not_for_an_msps_clients(
        self, db: Database, scope: Scope, other_scope: Scope
    ) -> None:
        for each in (scope, other_scope, scope.for_tenant(scope.msp_id)):
            async with db.transaction(each) as session:
                content = RoleContent("Pricing team", ["approval:decide"])
                role = (await create_role(session, content, clock=now, new_id=new_id)).id
            async with db.transaction(each) as session:
                if each.tenant_id != each.msp_id:
                    await publish_rules(session, each, rules=[review("own", approver=role)], clock=now, new_id=new_id)
                    continue
                with pytest.raises(InvalidRule, match="approval by “Pricing team”, a role that cannot"):
                    await publish_rules(session, each, rules=[review("own", approver=role)], clock=now, new_id=new_id)
                rules = [review("packaged", approver="client_finance")]
                await publish_rules(session, each, rules=rules, clock=now, new_id=new_id)

    async def test_the_rules_are_compiled_once(
        self, db: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compiled: list[int] = []

        def count(rules: Iterable[PolicyRule], **more: Any) -> PolicyIndex:
            compiled.append(1)
            return compile_rules(rules, **more)

        monkeypatch.setattr(publishing, "compile_rules", count)
        async with db.transaction(scope) as session:
            rules = [review("two", approver="client_finance")]
            await publish_rules(session, scope, rules=rules, clock=now, new_id=new_id)
        assert len(compiled) == 1


class TestAnswers:
    async def test_a_refusal_names_roles_as_people_know_them(self, db: Database, scope: Scope) -> None:
        async with db.transaction(scope) as session:
            content = RoleContent("Pricing team", ["approval:decide"])
            role = (await create_role(session, content, clock=now, new_id=new_id)).id
        approval = await ask(db, scope, request(scope, Approvers(role, 1), Approvers("client_finance", 1)))
        with pytest.raises(NotAnApprover) as refused:
            await answer(db, with_roles(scope, "Sue", "sales"), approval)
        assert "the role Pricing team, Finance" in refused.value.detail
        await answer(db, with_roles(scope, "Ann", role), approval)
        with pytest.raises(NotAnApprover) as refused:
            await answer(db, with_roles(scope, "Bob", role), approval)
        assert "still needs the role Finance." in refused.value.detail

    async def test_two_members_of_the_role_must_approve(self, db: Database, scope: Scope) -> None:
        ann, bob = (with_roles(scope, name, "finance", "client_viewer") for name in ("Ann", "Bob"))
        approval = await ask(db, scope, request(scope, Approvers("finance", 2)))
        assert (await answer(db, ann, approval, reason="fine")).state is ApprovalState.PENDING
        with pytest.raises(AlreadyApproved):
            await answer(db, ann, approval)
        granted = await answer(db, bob, approval)
        assert (granted.state, granted.decided_by) == (ApprovalState.GRANTED, bob.actor.id)
        async with db.transaction(scope) as session:
            found = await find_approval(session, scope, approval_id=approval)
            actions = await session.scalars(
                text("SELECT action FROM audit_entry WHERE subject = :s ORDER BY seq"), {"s": str(approval)}
            )
            recorded = list(actions)
        assert [(vote.by, vote.reason) for vote in found.votes] == [(ann.actor.id, "fine"), (bob.actor.id, "")]
        assert recorded == ["approval.counted", "approval.granted"]

    async def test_another_role_neither_approves_nor_declines(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("finance", 1)))
        sales = with_roles(scope, "Sue", "sales")
        for grant in (True, False):
            with pytest.raises(NotAnApprover):
                await answer(db, sales, approval, grant=grant, reason="no")
        assert await state(db, scope, approval) is ApprovalState.PENDING

    async def test_each_role_gives_its_own(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("finance", 1), Approvers("sales", 1)))
        assert (await answer(db, with_roles(scope, "Ann", "finance"), approval)).state is ApprovalState.PENDING
        with pytest.raises(NotAnApprover, match="still needs the role Sales"):
            await answer(db, with_roles(scope, "Bob", "finance"), approval)
        assert (await answer(db, with_roles(scope, "Sue", "sales"), approval)).state is ApprovalState.GRANTED

    async def test_one_member_with_both_roles_counts_for_both(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("finance", 1), Approvers("sales", 1)))
        both = with_roles(scope, "Ann", "finance", "sales")
        assert (await answer(db, both, approval)).state is ApprovalState.GRANTED

    async def test_one_refusal_refuses(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("", 2)))
        await answer(db, as_member(scope, "Ann"), approval)
        refused = await answer(db, as_member(scope, "Bob"), approval, grant=False, reason="too high")
        assert refused.state is ApprovalState.REFUSED
        with pytest.raises(ApprovalNotPending):
            await answer(db, as_member(scope, "Cy"), approval)

    async def test_who_counts_as_the_first_approver_cannot_be_the_second(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("", 2)))
        ann, invited = as_member(scope, "Ann"), as_member(scope, "Ivo")
        await answer(db, ann, approval)
        with pytest.raises(AlreadyApproved):
            await answer(db, replace(invited, actor=replace(invited.actor, counts_as=ann.actor.id)), approval)

    async def test_the_author_cannot_be_one_of_them(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("", 2)))
        with pytest.raises(OwnApproval):
            await answer(db, scope, approval)
        vote = Vote(scope.actor.id, (), NOW)
        async with db.transaction(scope) as session:
            with pytest.raises(IntegrityError, match="ck_approval_votes_of_others"):
                await session.execute(
                    text("UPDATE approval SET votes = jsonb_build_array(jsonb_build_object('by', CAST(:by AS text)))"),
                    {"by": vote.by},
                )

    async def test_a_refusal_needs_its_reason_here_too(self, db: Database, scope: Scope) -> None:
        approval = await ask(db, scope, request(scope, Approvers("", 2)))
        with pytest.raises(InvalidInput):
            await answer(db, as_member(scope, "Ann"), approval, grant=False)


ROLES = st.sampled_from(["", "finance", "sales", "legal"])
APPROVERS = st.builds(Approvers, ROLES, st.integers(1, 5))
VOTES = st.lists(
    st.builds(Vote, st.uuids().map(UUID.__str__), st.lists(ROLES.filter(bool)).map(tuple), st.just(datetime.now(UTC))),
    max_size=8,
)


@given(st.lists(APPROVERS, max_size=6), VOTES)
def test_what_is_missing_and_what_is_given_make_up_what_is_required(
    required: list[Approvers], votes: list[Vote]
) -> None:
    together = combine_approvers(required)
    missing = {one.role: one.number for one in missing_approvers(together, votes)}
    for one in together:
        assert count_given(one, votes) + missing.get(one.role, 0) == one.number
    assert combine_approvers([*required, *together]) == together
