import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from policy.cache import PolicyCache
from policy.errors import InvalidRule, RoleNotAssignable
from policy.index import decide, may, roles_of
from policy.packaged import starter_rules
from policy.publishing import assign_role, list_assignments, load_index, publish_rules, revoke_role
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind, role_rule
from tests.policy.conftest import now

PRICE = "price.list"
AUTO = PolicyRule("all", RuleKind.GOVERNANCE, "*", "", PRICE, "auto", description="All prices pass.")


async def publish(db: Database, scope: Scope, *rules: PolicyRule) -> int:
    async with db.transaction(scope) as session:
        return await publish_rules(session, scope, rules=rules, clock=now, new_id=new_id)


async def give(db: Database, scope: Scope, user: str, role: str) -> None:
    async with db.transaction(scope) as session:
        await assign_role(session, scope, member_id=user, role=role, clock=now, new_id=new_id)


async def diffs(db: Database, scope: Scope) -> list[dict[str, object]]:
    async with db.transaction(scope) as session:
        found = await session.execute(
            text("SELECT diff FROM policy_version WHERE tenant_id = :t ORDER BY serial"), {"t": scope.tenant_id}
        )
        return list(found.scalars())


class _UndoneError(Exception):
    pass


class TestPublishRules:
    async def test_the_published_policy_decides(self, db: Database, scope: Scope) -> None:
        assert await publish(db, scope, *starter_rules(str(scope.tenant_id))) == 1
        async with db.transaction(scope) as session:
            index = await load_index(session, scope)
        decision = decide(index, "erp", "stock.on_hand", {"new_quantity": 3})
        assert (decision.outcome, decision.policy_version) == (PolicyOutcome.AUTO, 1)

    async def test_the_rules_order_survives(self, db: Database, scope: Scope) -> None:
        rules = [PolicyRule(f"r{n}", RuleKind.GOVERNANCE, "*", "", PRICE, "auto") for n in (5, 1, 9, 3)]
        await publish(db, scope, *rules)
        async with db.transaction(scope) as session:
            index = await load_index(session, scope)
        assert decide(index, "erp", PRICE, {}).rule_id == "r3"

    async def test_every_change_is_a_version_with_author_and_diff(self, db: Database, scope: Scope) -> None:
        other = PolicyRule("all", RuleKind.GOVERNANCE, "*", "", PRICE, "review")
        extra = PolicyRule("stock", RuleKind.GOVERNANCE, "*", "", "stock.on_hand", "auto")
        versions = [await publish(db, scope, AUTO), await publish(db, scope, extra, other), await publish(db, scope)]
        assert versions == [1, 2, 3]
        first, second, third = await diffs(db, scope)
        assert list(first["added"]) == ["all"]  # type: ignore[call-overload]
        assert list(second["added"]) == ["stock"]  # type: ignore[call-overload]
        assert [side["act"] for side in second["changed"]["all"]] == ["auto", "review"]  # type: ignore[index]
        assert sorted(third["removed"]) == ["all", "stock"]  # type: ignore[call-overload]
        async with db.transaction(scope) as session:
            authors = await session.execute(
                text("SELECT DISTINCT author FROM policy_version WHERE tenant_id = :t"), {"t": scope.tenant_id}
            )
            assert list(authors.scalars()) == [scope.actor.id]

    async def test_publishing_the_same_again_is_no_change(self, db: Database, scope: Scope) -> None:
        assert await publish(db, scope, AUTO) == 1
        assert await publish(db, scope, AUTO) == 1
        assert len(await diffs(db, scope)) == 1

    async def test_a_bad_rule_changes_nothing(self, db: Database, scope: Scope) -> None:
        await publish(db, scope, AUTO)
        bad = PolicyRule("bad", RuleKind.GOVERNANCE, "*", "", PRICE, "auto", "r.ctx.a.b == 1")
        with pytest.raises(InvalidRule):
            await publish(db, scope, bad)
        async with db.transaction(scope) as session:
            assert decide(await load_index(session, scope), "erp", PRICE, {}).rule_id == "all"

    @pytest.mark.parametrize(
        "rules",
        [
            [AUTO, AUTO],
            [role_rule(id="g", member="ann", role="msp_admin", dom="*")],
            [PolicyRule("role:x", RuleKind.GOVERNANCE, "*", "", PRICE, "auto")],
        ],
    )
    async def test_ids_are_unique_and_roles_are_not_published(
        self, db: Database, scope: Scope, rules: list[PolicyRule]
    ) -> None:
        with pytest.raises(InvalidRule):
            await publish(db, scope, *rules)

    async def test_a_client_cannot_grant_itself_an_msps_permission(
        self, db: Database, scope: Scope, msp_account: Scope
    ) -> None:
        grant = PolicyRule("more", RuleKind.PERMISSION, "client_viewer", "", "invoice", "issue")
        with pytest.raises(InvalidRule, match="cannot be allowed in this account"):
            await publish(db, scope, grant)
        assert await publish(db, msp_account, grant) == 1
        narrower = PolicyRule("less", RuleKind.PERMISSION, "client_admin", "", "invoice", "read", effect=Effect.DENY)
        assert await publish(db, scope, narrower) == 1

    async def test_two_publishers_at_once_get_two_versions(self, db: Database, scope: Scope) -> None:
        rules = [PolicyRule(f"r{n}", RuleKind.GOVERNANCE, "*", "", PRICE, "auto") for n in range(4)]
        versions = await asyncio.gather(*(publish(db, scope, rule) for rule in rules))
        assert sorted(versions) == [1, 2, 3, 4]


class TestRoles:
    async def test_a_role_is_assigned_and_revoked(self, db: Database, scope: Scope) -> None:
        await give(db, scope, "ann", "client_approver")
        await give(db, scope, "ann", "client_approver")
        async with db.transaction(scope) as session:
            index = await load_index(session, scope)
            assert roles_of(index, "ann") == {"client_approver", "client_viewer"}
            assert await list_assignments(session, scope) == {"ann": {"client_approver"}}
            await revoke_role(session, scope, member_id="ann", role="client_approver", clock=now, new_id=new_id)
            assert not may(await load_index(session, scope), "ann", "approval", "decide").allowed
        assert len(await diffs(db, scope)) == 2

    async def test_assignments_do_not_invalidate_approvals(self, db: Database, scope: Scope) -> None:
        await publish(db, scope, AUTO)
        await give(db, scope, "ann", "client_admin")
        async with db.transaction(scope) as session:
            assert (await load_index(session, scope)).version == 1
        assert await publish(db, scope) == 2

    @pytest.mark.parametrize("role", ["msp_admin", "msp_operator", "unheard_of", "*"])
    async def test_a_client_cannot_assign_an_msps_role(self, db: Database, scope: Scope, role: str) -> None:
        with pytest.raises(RoleNotAssignable):
            await give(db, scope, "ann", role)

    async def test_an_msps_roles_are_assigned_in_its_own_account(self, db: Database, msp_account: Scope) -> None:
        await give(db, msp_account, "max", "msp_admin")
        with pytest.raises(RoleNotAssignable):
            await give(db, msp_account, "max", "client_admin")

    async def test_a_custom_role_can_be_assigned_once_a_rule_names_it(self, db: Database, scope: Scope) -> None:
        await publish(db, scope, PolicyRule("b", RuleKind.PERMISSION, "buyer", "", "change", "read"))
        await give(db, scope, "ann", "buyer")
        async with db.transaction(scope) as session:
            assert may(await load_index(session, scope), "ann", "change", "read").rule_id == "b"


class TestIsolation:
    async def test_no_other_tenant_sees_rules_or_roles(
        self, db: Database, scope: Scope, sibling_scope: Scope, other_scope: Scope
    ) -> None:
        await publish(db, scope, AUTO)
        await give(db, scope, "ann", "client_admin")
        for stranger in (sibling_scope, other_scope):
            async with db.transaction(stranger) as session:
                index = await load_index(session, stranger)
                assert (index.version, index.stamp) == (0, None)
                assert decide(index, "erp", PRICE, {}).outcome is PolicyOutcome.REVIEW
                assert not may(index, "ann", "change", "read").allowed
                for table in ("policy_rule", "policy_version"):
                    assert (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0

    async def test_another_tenants_request_changes_nothing(
        self, db: Database, scope: Scope, other_scope: Scope
    ) -> None:
        await publish(db, scope, AUTO)
        async with db.transaction(other_scope) as session:
            await session.execute(text("DELETE FROM policy_rule WHERE tenant_id = :t"), {"t": scope.tenant_id})
        async with db.transaction(scope) as session:
            assert decide(await load_index(session, scope), "erp", PRICE, {}).rule_id == "all"


class TestPartners:
    async def test_a_partner_user_is_subject_to_the_clients_rules(self, db: Database, scope: Scope) -> None:
        await publish(db, scope, AUTO)
        await give(db, scope, "pam", "partner")
        partner = replace(scope, partner_id=new_id())
        async with db.transaction(partner) as session:
            index = await load_index(session, partner)
        assert may(index, "pam", "channel", "read").allowed
        assert decide(index, "pam", PRICE, {}).rule_id == "all"
        with pytest.raises(ProgrammingError, match="row-level security"):
            await give(db, partner, "pam", "client_admin")


class TestPolicyCache:
    async def test_an_index_is_compiled_once_while_nothing_changes(self, db: Database, scope: Scope) -> None:
        cache = PolicyCache()
        await publish(db, scope, AUTO)
        async with db.transaction(scope) as session:
            first = await cache.index_for(session, scope)
        async with db.transaction(scope) as session:
            assert await cache.index_for(session, scope) is first
            assert await cache.index_at(session, scope, stamp=first.stamp) is first

    async def test_a_change_holds_from_the_next_transaction_on(self, db: Database, scope: Scope) -> None:
        cache = PolicyCache()
        async with db.transaction(scope) as session:
            assert decide(await cache.index_for(session, scope), "erp", PRICE, {}).outcome is PolicyOutcome.REVIEW
        await publish(db, scope, AUTO)
        async with db.transaction(scope) as session:
            assert decide(await cache.index_for(session, scope), "erp", PRICE, {}).outcome is PolicyOutcome.AUTO
        await give(db, scope, "ann", "client_viewer")
        async with db.transaction(scope) as session:
            assert may(await cache.index_for(session, scope), "ann", "change", "read").allowed

    async def test_a_change_that_was_rolled_back_is_never_used(self, db: Database, scope: Scope) -> None:
        cache = PolicyCache()
        review = PolicyRule("all", RuleKind.GOVERNANCE, "*", "", PRICE, "review", description="Someone looks.")
        with pytest.raises(_UndoneError):
            await self.publish_and_undo(db, scope, cache)
        assert await publish(db, scope, review) == 1
        async with db.transaction(scope) as session:
            assert decide(await cache.index_for(session, scope), "erp", PRICE, {}).reason.params == {
                "text": "Someone looks."
            }

    async def publish_and_undo(self, db: Database, scope: Scope, cache: PolicyCache) -> None:
        async with db.transaction(scope) as session:
            await publish_rules(session, scope, rules=[AUTO], clock=now, new_id=new_id)
            await cache.index_for(session, scope)
            raise _UndoneError

    async def test_tenants_do_not_share(self, db: Database, scope: Scope, sibling_scope: Scope) -> None:
        cache = PolicyCache(capacity=1)
        await publish(db, scope, AUTO)
        for _ in range(2):
            async with db.transaction(scope) as session:
                assert decide(await cache.index_for(session, scope), "erp", PRICE, {}).outcome is PolicyOutcome.AUTO
            async with db.transaction(sibling_scope) as session:
                index = await cache.index_for(session, sibling_scope)
                assert decide(index, "erp", PRICE, {}).outcome is PolicyOutcome.REVIEW
