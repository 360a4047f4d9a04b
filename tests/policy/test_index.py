import pytest

from canonical.values import MoneyValue
from foundation.i18n.messages import TEXT, StoredMessage
from policy.errors import InvalidRule, PermissionRefused
from policy.facts import price_facts, stock_facts
from policy.index import PolicyIndex, compile_rules, decide, may, roles_of
from policy.messages import EARLIER_ZERO, MONTH_NOT_COMPARABLE, NO_RULE, NOTHING_EARLIER, OTHER_CURRENCY
from policy.packaged import SYSTEM_ROLES, starter_rules, system_rules
from policy.permissions import PolicyPermission, require_permission
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind, role_rule
from tests.support.values import minor, pieces

PRICE = "price.list"


def governance(rule_id: str, act: str, condition: str = "", effect: Effect = Effect.ALLOW) -> PolicyRule:
    return PolicyRule(rule_id, RuleKind.GOVERNANCE, "*", "t1", PRICE, act, condition, effect, f"because of {rule_id}")


def known(amount: int | None, currency: str | None = "EUR") -> MoneyValue | None:
    return None if amount is None else minor(amount, currency or "")


class TestStarterRules:
    index = compile_rules([*system_rules(), *starter_rules("t1")], tenant_id="t1", version=4)

    def outcome(self, **facts: int | None) -> tuple[PolicyOutcome, str]:
        old, new, cost = facts["old"], facts["new"], facts["cost"]
        assert new is not None
        ctx = price_facts(known(old), minor(new, "EUR"), known(cost))
        decision = decide(self.index, "erp", PRICE, ctx)
        return decision.outcome, decision.rule_id

    def test_up_to_five_percent_is_automatic(self) -> None:
        assert self.outcome(old=10_000, new=10_500, cost=6_000) == (PolicyOutcome.AUTO, "price-small-change")
        assert self.outcome(old=10_000, new=9_500, cost=6_000) == (PolicyOutcome.AUTO, "price-small-change")

    def test_above_five_percent_needs_a_person(self) -> None:
        assert self.outcome(old=10_000, new=10_501, cost=6_000) == (PolicyOutcome.REVIEW, "price-large-change")

    def test_the_size_of_a_change_is_rounded_up(self) -> None:
        assert self.outcome(old=1_000_003, new=1_050_004, cost=0) == (PolicyOutcome.REVIEW, "price-large-change")

    def test_below_cost_is_refused_however_small_the_change(self) -> None:
        assert self.outcome(old=10_000, new=9_999, cost=10_000) == (PolicyOutcome.REFUSE, "price-below-cost")

    def test_a_first_price_and_an_unknown_cost_need_a_person(self) -> None:
        assert self.outcome(old=None, new=10_000, cost=5)[0] is PolicyOutcome.REVIEW
        assert self.outcome(old=10_000, new=10_001, cost=None) == (PolicyOutcome.REVIEW, "price-cost-unknown")

    def test_a_change_of_currency_is_never_small(self) -> None:
        ctx = price_facts(minor(100, "EUR"), minor(100, "USD"), minor(1, "USD"))
        assert decide(self.index, "erp", PRICE, ctx).outcome is PolicyOutcome.REVIEW

    def test_stock_is_automatic_unless_negative(self) -> None:
        up, below = stock_facts(pieces(1), pieces(9)), stock_facts(pieces(1), pieces(-1))
        assert decide(self.index, "erp", "stock.on_hand", up).outcome is PolicyOutcome.AUTO
        assert decide(self.index, "erp", "stock.on_hand", below).outcome is PolicyOutcome.REFUSE

    def test_the_decision_carries_rule_reason_and_version(self) -> None:
        decision = decide(self.index, "erp", "stock.on_hand", {"new_quantity": -1})
        assert (decision.rule_id, decision.reason, decision.policy_version) == (
            "stock-negative", TEXT.fill(text="Stock cannot be negative."), 4,
        )  # fmt: skip


class TestDecide:
    def test_nothing_is_automatic_without_a_rule(self) -> None:
        index = compile_rules([], tenant_id="t1", version=0)
        assert decide(index, "ann", PRICE, {}).outcome is PolicyOutcome.REVIEW
        assert decide(index, "ann", PRICE, {}).reason == NO_RULE

    def test_refusal_beats_review_beats_automatic(self) -> None:
        every = [governance(act, act) for act in ("auto", "review", "refuse")]
        for count, expected in ((3, PolicyOutcome.REFUSE), (2, PolicyOutcome.REVIEW), (1, PolicyOutcome.AUTO)):
            index = compile_rules(every[:count], tenant_id="t1", version=1)
            assert decide(index, "ann", PRICE, {}).outcome is expected

    def test_missing_facts_are_named_in_the_reason(self) -> None:
        index = compile_rules([governance("floor", "refuse", "r.ctx.n < r.ctx.cost")], tenant_id="t1", version=1)
        assert decide(index, "ann", PRICE, {"n": 3}).reason == StoredMessage(
            "policy.not_known", {"text": "because of floor", "facts": ["cost"]}
        )

    @pytest.mark.parametrize(
        ("old", "expected"),
        [
            ((None, None), NOTHING_EARLIER.fill()),
            ((0, "EUR"), EARLIER_ZERO.fill()),
            ((900, "USD"), OTHER_CURRENCY.fill()),
            ((900, "EUR"), TEXT.fill(text="The price changes by more than 5%.")),
        ],
    )
    def test_a_first_price_has_no_percentage_of_change(
        self, old: tuple[int | None, str | None], expected: StoredMessage
    ) -> None:
        index = compile_rules(starter_rules("t1"), tenant_id="t1", version=1)
        ctx = price_facts(known(*old), minor(1_000, "EUR"), minor(1, "EUR"))
        decision = decide(index, "erp", PRICE, ctx)
        assert (decision.rule_id, decision.reason) == ("price-large-change", expected)

    @pytest.mark.parametrize("start", [known(0, "EUR"), known(900, "USD")])
    def test_a_month_that_cannot_be_compared_has_a_reason_of_its_own(self, start: MoneyValue) -> None:
        index = compile_rules(
            [governance("month", "review", "r.ctx.month_change_bp > 1000")], tenant_id="t1", version=1
        )
        facts = price_facts(known(900, "EUR"), minor(1_000, "EUR"), None, start)
        assert decide(index, "erp", PRICE, facts).reason == MONTH_NOT_COMPARABLE.fill()
        facts = price_facts(None, minor(1_000, "EUR"), None, None)
        assert decide(index, "erp", PRICE, facts).reason == NOTHING_EARLIER.fill()

    def test_a_denied_automatic_act_goes_to_a_person(self) -> None:
        rules = [governance("all", "auto"), governance("freeze", "auto", "r.ctx.frozen == 1", Effect.DENY)]
        index = compile_rules(rules, tenant_id="t1", version=1)
        assert decide(index, "ann", PRICE, {"frozen": 0}).outcome is PolicyOutcome.AUTO
        assert decide(index, "ann", PRICE, {"frozen": 1}).outcome is PolicyOutcome.REVIEW
        assert decide(index, "ann", PRICE, {}).outcome is PolicyOutcome.REVIEW

    def test_rules_of_another_tenant_do_not_count(self) -> None:
        index = compile_rules([governance("all", "auto")], tenant_id="t2", version=1)
        assert decide(index, "ann", PRICE, {}).rule_id == ""

    def test_a_rule_for_a_role_reaches_its_members_only(self) -> None:
        rule = PolicyRule("agents", RuleKind.GOVERNANCE, "agent", "t1", PRICE, "review")
        rules = [governance("all", "auto"), rule, role_rule(id="g", member="bot", role="agent", dom="t1")]
        index = compile_rules(rules, tenant_id="t1", version=1)
        assert decide(index, "bot", PRICE, {}).outcome is PolicyOutcome.REVIEW
        assert decide(index, "ann", PRICE, {}).outcome is PolicyOutcome.AUTO
        assert decide(index, ("ann", "agent"), PRICE, {}).outcome is PolicyOutcome.REVIEW


class TestPermissions:
    def index_of(self, *rules: PolicyRule) -> PolicyIndex:
        return compile_rules([*system_rules(), *rules], tenant_id="t1", version=1)

    def test_roles_inherit(self) -> None:
        index = self.index_of(role_rule(id="g", member="ann", role="client_admin", dom="t1"))
        assert may(index, "ann", "change", "read").allowed
        assert may(index, "ann", "approval", "decide").rule_id == "client_approver:approval:decide"
        assert roles_of(index, "ann") == {"client_admin", "client_approver", "client_viewer"}

    def test_a_viewer_decides_nothing(self) -> None:
        index = self.index_of(role_rule(id="g", member="ann", role="client_viewer", dom="t1"))
        with pytest.raises(PermissionRefused):
            require_permission(index, "ann", PolicyPermission.DECIDE_APPROVAL)

    def test_a_role_in_another_tenant_grants_nothing(self) -> None:
        index = self.index_of(role_rule(id="g", member="ann", role="client_admin", dom="t2"))
        assert not may(index, "ann", "change", "read").allowed

    def test_an_approver_has_a_threshold(self) -> None:
        limit = PolicyRule(
            "limit", RuleKind.PERMISSION, "client_approver", "t1", "approval", "decide",
            "r.ctx.change_bp > 2000", Effect.DENY,
        )  # fmt: skip
        index = self.index_of(limit)
        assert may(index, "client_approver", "approval", "decide", {"change_bp": 2000}).allowed
        assert may(index, "client_approver", "approval", "decide", {"change_bp": 2001}).rule_id == "limit"
        assert not may(index, "client_approver", "approval", "decide").allowed

    def test_every_permission_of_this_room_is_held_by_someone(self) -> None:
        index = self.index_of()
        for permission in PolicyPermission:
            obj, act = permission.split(":")
            assert any(may(index, role, obj, act).allowed for role in SYSTEM_ROLES), permission


@pytest.mark.parametrize(
    "rule",
    [
        PolicyRule("x", RuleKind.GOVERNANCE, "*", "t1", PRICE, "maybe"),
        PolicyRule("x", RuleKind.PERMISSION, "*", "t1", "approval", "decide"),
        PolicyRule("", RuleKind.PERMISSION, "ann", "t1", "approval", "decide"),
        PolicyRule("x", RuleKind.PERMISSION, "", "t1", "approval", "decide"),
        PolicyRule("x", RuleKind.GOVERNANCE, "*", "t1", PRICE, "auto", "open('x')"),
    ],
)
def test_a_rule_that_is_not_well_formed_is_refused(rule: PolicyRule) -> None:
    with pytest.raises(InvalidRule):
        compile_rules([rule], tenant_id="t1", version=1)
