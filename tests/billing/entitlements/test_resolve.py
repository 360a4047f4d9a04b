"""Precedence: the client's own rule, else its plans together, else the default of its price book."""

from datetime import timedelta
from typing import Any

import pytest

from billing.entitlements.resolve import resolve
from billing.entitlements.schemas import EntitlementRuleView, EntitlementSource
from billing.plans.terms import PlanEntitlement
from billing.subscriptions.states import StepKind
from foundation.entitlements.check import EntitlementValue
from tests.billing.subscriptions.samples import at, plan, step, subscribed

START, NOW = at(2026, 3, 1), at(2026, 3, 20)


def rule(limit: int | None, *, is_on: bool = True) -> EntitlementRuleView:
    return EntitlementRuleView("connections", is_on, None, limit, START, "Mia")


def held(*steps: Any, quantity: int = 1, **entitlement: Any) -> Any:
    terms = plan("10", entitlements=(PlanEntitlement("connections", **entitlement),))
    return subscribed(START, terms, *steps, quantity=quantity)


def found(own: Any = (), subscriptions: Any = (), default: EntitlementRuleView | None = None) -> tuple[Any, ...] | None:
    defaults = {} if default is None else {"connections": (default, "Standard")}
    one = resolve(own, subscriptions, defaults, NOW).get("connections")
    return None if one is None else (one.source, one.source_name, one.value.is_on, one.value.hard_limit)


def test_the_nearest_source_applies() -> None:
    assert found() is None
    assert found(default=rule(3)) == (EntitlementSource.PRICE_BOOK, "Standard", True, 3)
    assert found([], [held(limit=5)], rule(3)) == (EntitlementSource.PLAN, "Basic", True, 5)
    assert found([rule(9)], [held(limit=5)], rule(3)) == (EntitlementSource.CLIENT, "", True, 9)
    assert found([rule(None, is_on=False)], [held(limit=5)]) == (EntitlementSource.CLIENT, "", False, None)


@pytest.mark.parametrize(
    ("subscriptions", "is_on", "limit"),
    [
        ([held(limit=5), held(limit=2)], True, 7),
        ([held(limit=5), held()], True, None),
        ([held(limit=5), held(is_on=False)], True, 5),
        ([held(is_on=False)], False, None),
        ([held(per_seat=2, quantity=4)], True, 8),
        ([held(limit=1, per_seat=2, quantity=4)], True, 9),
        ([held(limit=0)], True, 0),
        ([held(step(1, StepKind.PAUSE, NOW - timedelta(days=1)), limit=5)], True, 5),
    ],
)
def test_plans_add_up(subscriptions: Any, is_on: bool, limit: int | None) -> None:  # noqa: FBT001
    assert found([], subscriptions, rule(99)) == (EntitlementSource.PLAN, "Basic", is_on, limit)


def test_a_subscription_counts_from_its_start_to_its_end() -> None:
    ended = held(step(1, StepKind.CANCEL, NOW - timedelta(days=1)), limit=5)
    later = subscribed(NOW + timedelta(days=5), plan("1", entitlements=(PlanEntitlement("connections", limit=5),)))
    assert found([], [ended, later], rule(3)) == (EntitlementSource.PRICE_BOOK, "Standard", True, 3)


def test_a_soft_limit_is_kept_where_all_plans_have_one() -> None:
    values = resolve([], [held(limit=5, soft_limit=4), held(limit=2, soft_limit=1)], {}, NOW)
    assert values["connections"].value == EntitlementValue("connections", True, 5, 7)
