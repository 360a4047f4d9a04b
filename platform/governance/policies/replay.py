"""Replay of recorded changes by two policies. Pure: rows in, counts and differences out.

The inputs of a decision are those recorded with the change: the value it replaced, its cost, its origin, its author's
roles and its channels. Where rules name facts of the channel, each channel that gets the value today is decided, and
the strictest outcome counts; a channel that had another value than the approved one is compared with the approved one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from canonical.amounts import EXACT, canonical_amount
from canonical.values import MoneyValue, Value
from governance.changes.planner import LEAST_STRICT_FIRST, decide_change
from governance.elements.contracts import Contracts
from governance.policies.rows import Difference, RecordedChange
from governance.records.routing import targets_of
from governance.records.rows import CHANNEL_FACTS, Channel
from policy.conditions import Facts
from policy.facts import value_facts
from policy.index import Decision, PolicyIndex
from policy.time_facts import time_facts

_NO_MONTHS: Final[Mapping[UUID, Value]] = {}
_RANK: Final = {outcome: rank for rank, outcome in enumerate(LEAST_STRICT_FIRST)}


@dataclass(frozen=True, slots=True)
class ReplayPolicies:
    """The two policies, and the facts that determine the channels of a value."""

    published: PolicyIndex
    draft: PolicyIndex
    contracts: Contracts
    channels: Sequence[Channel]
    zone: tzinfo = UTC

    @property
    def both(self) -> tuple[PolicyIndex, PolicyIndex]:
        return self.published, self.draft

    def decides_by_channel(self, index: PolicyIndex, element: str) -> bool:
        return not CHANNEL_FACTS.isdisjoint(index.facts.get(element, ()))

    def reached(self, change: RecordedChange) -> list[Channel]:
        """Channels of the change."""
        contract = self.contracts.find(change.key) or self.contracts.find_ended(change.key)
        found = targets_of(change.key, self.channels, contract, only=self.contracts.returned_to(change.key))
        return [one for one in found if change.targets is None or one.connection_id in change.targets]


@dataclass(slots=True)
class ReplayTotals:
    """`counts` by “before>after”; `money` the sums of price differences by currency and “before>after”."""

    counts: Counter[str] = field(default_factory=Counter)
    money: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def add(self, pair: str, change: RecordedChange) -> None:
        self.counts[pair] += 1
        new, old = change.new_value, change.old_value
        if isinstance(new, MoneyValue) and isinstance(old, MoneyValue) and old.currency == new.currency:
            sums = self.money.setdefault(new.currency, {})
            size = abs(EXACT.subtract(new.number, old.number))
            sums[pair] = EXACT.add(sums.get(pair, Decimal(0)), size)

    def merged(self, counts: Mapping[str, int], money: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, int], Any]:
        """The sum with earlier totals, in stored form."""
        total = dict(Counter(counts) + self.counts)
        sums: dict[str, dict[str, str]] = {currency: dict(pairs) for currency, pairs in money.items()}
        for currency, pairs in self.money.items():
            kept = sums.setdefault(currency, {})
            for pair, size in pairs.items():
                kept[pair] = canonical_amount(EXACT.add(Decimal(kept.get(pair, 0)), size))
        return total, sums


def replay_changes(
    changes: Iterable[RecordedChange], given: ReplayPolicies, months: Mapping[UUID, Value] = _NO_MONTHS
) -> tuple[ReplayTotals, list[Difference]]:
    """Totals of all changes, and those that the draft decides differently. `months`: values at the start of the month
    of each change, where a rule names it.
    """
    totals, found = ReplayTotals(), list[Difference]()
    for change in changes:
        facts = {**facts_of(change, given.zone, months.get(change.id)), **given.contracts.facts_of(change.key)}
        before = replay_one(change, facts, given.published, given).outcome.value
        after = replay_one(change, facts, given.draft, given)
        outcome = after.outcome.value
        totals.add(f"{before}>{outcome}", change)
        if before != outcome:
            found.append(Difference(change, before, outcome, after.rule_id, after.reason))
    return totals, found


def facts_of(change: RecordedChange, zone: tzinfo, month: Value | None = None) -> Facts:
    """Facts of the change, at the time at which it was proposed."""
    facts = value_facts(change.element, change.dimension, change.old_value, change.new_value, change.cost_value, month)
    return facts | time_facts(change.proposed_at, zone)


def replay_one(change: RecordedChange, facts: Facts, index: PolicyIndex, given: ReplayPolicies) -> Decision:
    """Decision of one policy on a recorded change: the strictest of its channels'."""
    if given.decides_by_channel(index, change.element) and (channels := given.reached(change)):
        decisions = [
            decide_change(index, change.origin, change.element, {**facts, **channel.facts}, roles=change.author_roles)
            for channel in channels
        ]
        return max(decisions, key=lambda decision: _RANK[decision.outcome])
    return decide_change(index, change.origin, change.element, facts, roles=change.author_roles)
