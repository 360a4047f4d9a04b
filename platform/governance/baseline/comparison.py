"""Comparison of a channel's values with the source's. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from canonical.elements import element_type
from canonical.values import MoneyValue, Value
from connectors.ports import ChannelReading
from governance.baseline.rows import Comparison, Reading, ReadRequest
from governance.changes.planner import BASELINE, decide_change
from governance.elements.contracts import Contracts
from policy.conditions import Facts
from policy.facts import larger_month_change, value_facts
from policy.index import PolicyIndex
from policy.rules import PolicyOutcome


def compare(  # noqa: PLR0913 - keyword-only after the data
    wanted: Sequence[ReadRequest],
    shown: Sequence[ChannelReading],
    *,
    connection_id: UUID,
    index: PolicyIndex,
    contracts: Contracts,
    now: datetime,
    time: Facts,
) -> list[Reading]:
    """Comparisons in the order of `wanted`, without values missing on both sides. `time`: facts of the time, if rules
    name them.
    """
    return [
        _compare(
            want, reading, connection_id, _foresee(want, reading, index, {**time, **contracts.facts_of(want.key)}), now
        )
        for want, reading in zip(wanted, shown, strict=True)
        if want.value is not None or reading.value is not None or reading.unreadable
    ]


def is_below_cost(element: str, value: Value | None, cost: Value | None) -> bool:
    known = element_type(element)
    return (
        known is not None
        and bool(known.policy_reference)
        and isinstance(value, MoneyValue)
        and isinstance(cost, MoneyValue)
        and value.currency == cost.currency
        and value.number < cost.number
    )


def _compare(
    want: ReadRequest, reading: ChannelReading, connection_id: UUID, outcome: str | None, now: datetime
) -> Reading:
    comparison = _compare_values(want.value, reading)
    return Reading(
        *want.key,
        connection_id=connection_id,
        value=reading.value,
        version=reading.version,
        comparison=comparison,
        outcome=outcome,
        below_cost=is_below_cost(want.element, want.value, want.cost),
        seen_at=now,
        unreadable=reading.unreadable.message if reading.unreadable else None,
    )


def _compare_values(source: Value | None, reading: ChannelReading) -> Comparison:
    """Comparison of one value. A channel value that cannot be read exactly differs from every source value."""
    if source is None:
        return Comparison.CHANNEL_ONLY
    if reading.unreadable:
        return Comparison.DIFFERS
    if reading.value is None:
        return Comparison.SOURCE_ONLY
    return Comparison.EQUAL if source == reading.value else Comparison.DIFFERS


def _foresee(want: ReadRequest, reading: ChannelReading, index: PolicyIndex, beside: Facts) -> str | None:
    """Policy outcome of approving the source's value; None where no decision is needed."""
    shown = reading.value
    if want.value is None or shown == want.value:
        return None
    facts = value_facts(want.element, want.dimension, shown, want.value, want.cost, want.month)
    if want.month is not None and shown != want.approved:  # as in `governance.changes.planner.evaluate`
        facts |= larger_month_change(facts)
    outcome = decide_change(index, BASELINE, want.element, {**facts, **beside}).outcome
    if shown is None and not reading.unreadable:  # the value is new to the channel, so only a refusal matters
        return outcome.value if outcome is PolicyOutcome.REFUSE else None
    return outcome.value
