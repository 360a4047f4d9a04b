"""Entitlements of a client now: from its own rule, else its plans together, else its price book's default. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from billing.entitlements.schemas import EntitlementRuleView, EntitlementSource
from billing.plans.terms import PlanEntitlement
from billing.subscriptions.states import SubscriptionState
from billing.subscriptions.timeline import Subscribed, part_at, state_at
from foundation.entitlements.check import EntitlementValue

_NOT_HELD = frozenset({SubscriptionState.SCHEDULED, SubscriptionState.CANCELLED})


class Resolved(msgspec.Struct, frozen=True):
    value: EntitlementValue
    source: EntitlementSource
    source_name: str = ""


def resolve(
    own: Iterable[EntitlementRuleView],
    subscriptions: Iterable[Subscribed],
    defaults: Mapping[str, tuple[EntitlementRuleView, str]],
    now: datetime,
) -> Mapping[str, Resolved]:
    """Entitlements by feature; features without a rule are omitted. `defaults`: rule and name of the client's price
    book.

    A paused subscription counts, or a pause would end all limits.
    """
    found = {
        feature: Resolved(_value(rule), EntitlementSource.PRICE_BOOK, name)
        for feature, (rule, name) in defaults.items()
    }
    parts: dict[str, list[tuple[PlanEntitlement, int, str]]] = {}
    for one in subscriptions:
        if state_at(one, now) in _NOT_HELD:
            continue
        part = part_at(one, now)
        for entitlement in part.plan.terms.entitlements:
            parts.setdefault(entitlement.feature, []).append((entitlement, part.quantity, part.plan.name))
    found |= {feature: _add_up(feature, each) for feature, each in parts.items()}
    return found | {rule.feature: Resolved(_value(rule), EntitlementSource.CLIENT) for rule in own}


def _add_up(feature: str, parts: Sequence[tuple[PlanEntitlement, int, str]]) -> Resolved:
    """Sum of the plans' limits; no limit if one of the plans has none."""
    on = [(one, seats) for one, seats, _ in parts if one.is_on]
    value = EntitlementValue(
        feature, bool(on), _sum([one.soft_limit for one, _ in on]), _sum([one.most(seats) for one, seats in on])
    )
    return Resolved(value, EntitlementSource.PLAN, ", ".join(dict.fromkeys(name for _, _, name in parts)))


def _sum(limits: Sequence[int | None]) -> int | None:
    known = [limit for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None


def _value(rule: EntitlementRuleView) -> EntitlementValue:
    return EntitlementValue(rule.feature, rule.is_on, rule.soft_limit, rule.hard_limit)
