"""Messages for a rule's conditions, in the reader's language: “up by more than 5%”, “in EU, CH”."""

from collections.abc import Mapping, Sequence
from typing import Final

from canonical.values import QuantityValue, to_value
from foundation.i18n.messages import MessageType, StoredMessage
from foundation.marks import N_
from policy.terms import PERCENT_KINDS, Direction, Membership, Term, TermComparison, TermKind
from policy.time_facts import WEEKDAYS

ANY_CHANGE: Final = MessageType("rule.any_change", N_("any change"))
UP: Final = MessageType("rule.up", N_("any rise"))
DOWN: Final = MessageType("rule.down", N_("any fall"))
BELOW_COST: Final = MessageType("rule.below_cost", N_("below cost"))
COST_UNKNOWN: Final = MessageType("rule.cost_unknown", N_("the cost is not known"))
MARGIN_BELOW: Final = MessageType("rule.margin_below", N_("a margin of less than {percent}"))
UP_MORE: Final = MessageType("rule.up_more", N_("up by more than {size}"))
UP_LEAST: Final = MessageType("rule.up_least", N_("up by {size} or more"))
UP_LESS: Final = MessageType("rule.up_less", N_("up by less than {size}"))
UP_MOST: Final = MessageType("rule.up_most", N_("up by {size} or less"))
DOWN_MORE: Final = MessageType("rule.down_more", N_("down by more than {size}"))
DOWN_LEAST: Final = MessageType("rule.down_least", N_("down by {size} or more"))
DOWN_LESS: Final = MessageType("rule.down_less", N_("down by less than {size}"))
DOWN_MOST: Final = MessageType("rule.down_most", N_("down by {size} or less"))
BY_MORE: Final = MessageType("rule.by_more", N_("a change of more than {size}"))
BY_LEAST: Final = MessageType("rule.by_least", N_("a change of {size} or more"))
BY_LESS: Final = MessageType("rule.by_less", N_("a change of less than {size}"))
BY_MOST: Final = MessageType("rule.by_most", N_("a change of {size} or less"))
MONTH_MORE: Final = MessageType("rule.month_more", N_("a change of more than {size} within the month"))
MONTH_LEAST: Final = MessageType("rule.month_least", N_("a change of {size} or more within the month"))
MONTH_LESS: Final = MessageType("rule.month_less", N_("a change of less than {size} within the month"))
MONTH_MOST: Final = MessageType("rule.month_most", N_("a change of {size} or less within the month"))
NEW_MORE: Final = MessageType("rule.new_more", N_("a new value of more than {size}"))
NEW_LEAST: Final = MessageType("rule.new_least", N_("a new value of {size} or more"))
NEW_LESS: Final = MessageType("rule.new_less", N_("a new value of less than {size}"))
NEW_MOST: Final = MessageType("rule.new_most", N_("a new value of {size} or less"))
CHANNEL: Final = MessageType("rule.channel", N_("on {names}"))
NOT_CHANNEL: Final = MessageType("rule.not_channel", N_("not on {names}"))
CHANNEL_KIND: Final = MessageType("rule.channel_kind", N_("on channels of the kind {names}"))
NOT_CHANNEL_KIND: Final = MessageType("rule.not_channel_kind", N_("not on channels of the kind {names}"))
PARTNER: Final = MessageType("rule.partner", N_("for the partner {names}"))
NOT_PARTNER: Final = MessageType("rule.not_partner", N_("not for the partner {names}"))
JURISDICTION: Final = MessageType("rule.jurisdiction", N_("in {names}"))
NOT_JURISDICTION: Final = MessageType("rule.not_jurisdiction", N_("not in {names}"))
CURRENCY: Final = MessageType("rule.currency", N_("in the currency {names}"))
NOT_CURRENCY: Final = MessageType("rule.not_currency", N_("in another currency than {names}"))
PRICE_LIST: Final = MessageType("rule.price_list", N_("on the price list {names}"))
NOT_PRICE_LIST: Final = MessageType("rule.not_price_list", N_("not on the price list {names}"))
CUSTOMER_GROUP: Final = MessageType("rule.customer_group", N_("for the customer group {names}"))
NOT_CUSTOMER_GROUP: Final = MessageType("rule.not_customer_group", N_("not for the customer group {names}"))
LOCATION: Final = MessageType("rule.location", N_("at {names}"))
NOT_LOCATION: Final = MessageType("rule.not_location", N_("not at {names}"))
LANGUAGE: Final = MessageType("rule.language", N_("in the language {names}"))
NOT_LANGUAGE: Final = MessageType("rule.not_language", N_("not in the language {names}"))
CODE: Final = MessageType("rule.code", N_("to {names}"))
NOT_CODE: Final = MessageType("rule.not_code", N_("to another value than {names}"))
BY_ROLE: Final = MessageType("rule.by_role", N_("proposed by someone with the role {roles}"))
NOT_BY_ROLE: Final = MessageType("rule.not_by_role", N_("not proposed by someone with the role {roles}"))
FROM_HOUR: Final = MessageType("rule.from_hour", N_("from {hour}:00"))
BEFORE_HOUR: Final = MessageType("rule.before_hour", N_("before {hour}:00"))
WEEKDAY: Final = MessageType("rule.weekday", N_("on these days: {names}"))
NOT_WEEKDAY: Final = MessageType("rule.not_weekday", N_("not on these days: {names}"))
MONDAY: Final = MessageType("rule.monday", N_("Monday"))
TUESDAY: Final = MessageType("rule.tuesday", N_("Tuesday"))
WEDNESDAY: Final = MessageType("rule.wednesday", N_("Wednesday"))
THURSDAY: Final = MessageType("rule.thursday", N_("Thursday"))
FRIDAY: Final = MessageType("rule.friday", N_("Friday"))
SATURDAY: Final = MessageType("rule.saturday", N_("Saturday"))
SUNDAY: Final = MessageType("rule.sunday", N_("Sunday"))

FROM_SOURCE: Final = MessageType("rule.from_source", N_("from the source of truth"))
FROM_PROPOSAL: Final = MessageType("rule.from_proposal", N_("proposed by a person or an API client"))
FROM_ROLLBACK: Final = MessageType("rule.from_rollback", N_("on a rollback"))
FROM_BASELINE: Final = MessageType("rule.from_baseline", N_("in an accepted baseline"))

_FIXED: Final = {
    TermKind.ANY_CHANGE: ANY_CHANGE, TermKind.BELOW_COST: BELOW_COST, TermKind.COST_UNKNOWN: COST_UNKNOWN,
}  # fmt: skip
_ORDER: Final = (TermComparison.MORE_THAN, TermComparison.AT_LEAST, TermComparison.LESS_THAN, TermComparison.AT_MOST)
_SIZES: Final = {
    Direction.UP: dict(zip(_ORDER, (UP_MORE, UP_LEAST, UP_LESS, UP_MOST), strict=True)),
    Direction.DOWN: dict(zip(_ORDER, (DOWN_MORE, DOWN_LEAST, DOWN_LESS, DOWN_MOST), strict=True)),
    None: dict(zip(_ORDER, (BY_MORE, BY_LEAST, BY_LESS, BY_MOST), strict=True)),
}
_NEW: Final = dict(zip(_ORDER, (NEW_MORE, NEW_LEAST, NEW_LESS, NEW_MOST), strict=True))
_MONTH: Final = dict(zip(_ORDER, (MONTH_MORE, MONTH_LEAST, MONTH_LESS, MONTH_MOST), strict=True))
_BY_SIZE: Final = {TermKind.NEW_VALUE: _NEW, TermKind.MONTH_PERCENT: _MONTH}
_TEXTS: Final = {
    TermKind.CHANNEL: (CHANNEL, NOT_CHANNEL),
    TermKind.CHANNEL_KIND: (CHANNEL_KIND, NOT_CHANNEL_KIND),
    TermKind.PARTNER: (PARTNER, NOT_PARTNER),
    TermKind.JURISDICTION: (JURISDICTION, NOT_JURISDICTION),
    TermKind.CURRENCY: (CURRENCY, NOT_CURRENCY),
    TermKind.PRICE_LIST: (PRICE_LIST, NOT_PRICE_LIST),
    TermKind.CUSTOMER_GROUP: (CUSTOMER_GROUP, NOT_CUSTOMER_GROUP),
    TermKind.LOCATION: (LOCATION, NOT_LOCATION),
    TermKind.LANGUAGE: (LANGUAGE, NOT_LANGUAGE),
    TermKind.CODE: (CODE, NOT_CODE),
    TermKind.WEEKDAY: (WEEKDAY, NOT_WEEKDAY),
}
DAYS: Final = dict(zip(WEEKDAYS, (MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY), strict=True))
_CHANGES: Final = (TermKind.CHANGE_PERCENT, TermKind.CHANGE_AMOUNT)
_NO_NAMES: Final[Mapping[str, str]] = {}


def describe_terms(
    terms: Sequence[Term], value_type: str, *, names: Mapping[str, str] = _NO_NAMES
) -> list[StoredMessage]:
    """A message for each term; a direction is part of the message of the sizes beside it. `names` are those of
    partners and of the account's own roles, by id.
    """
    currency = next(
        (term.values[0] for term in terms
         if term.kind == TermKind.CURRENCY and term.comparison == Membership.ANY_OF and len(term.values) == 1), "",
    )  # fmt: skip
    directions = {term.values[0] for term in terms if term.kind == TermKind.DIRECTION}
    direction = Direction.of(directions.pop()) if len(directions) == 1 else None
    sized = any(term.kind in _CHANGES for term in terms)
    messages: list[StoredMessage] = []
    for term in terms:
        if term.kind == TermKind.DIRECTION:
            if not (sized and direction):
                messages.append((UP if term.values[0] == Direction.UP else DOWN).fill())
        elif term.kind in _CHANGES:
            messages.append(
                _SIZES[direction][TermComparison.of(term.comparison)].fill(size=_size(term, value_type, currency))
            )
        else:
            messages.append(_describe(term, value_type, currency, names))
    return messages


def _describe(term: Term, value_type: str, currency: str, names: Mapping[str, str]) -> StoredMessage:
    kind = TermKind.of(term.kind)
    if kind in _FIXED:
        return _FIXED[kind].fill()
    if kind is TermKind.MARGIN_BELOW:
        return MARGIN_BELOW.fill(percent=term.values[0])
    if kind in _BY_SIZE:
        return _BY_SIZE[kind][TermComparison.of(term.comparison)].fill(size=_size(term, value_type, currency))
    if kind is TermKind.HOUR:
        return _describe_hour(TermComparison.of(term.comparison), int(term.values[0]))
    if kind is TermKind.PROPOSER_ROLE:
        declared = BY_ROLE if term.comparison == Membership.ANY_OF else NOT_BY_ROLE
        return declared.fill(roles=[names.get(value, value) for value in term.values])
    declared, negated = _TEXTS[kind]
    shown: list[object] = [names.get(value, value) for value in term.values]
    if kind is TermKind.WEEKDAY:
        shown = [DAYS[value].fill() for value in term.values]
    return (declared if term.comparison == Membership.ANY_OF else negated).fill(names=shown)


def _describe_hour(comparison: TermComparison, hour: int) -> StoredMessage:
    """The message for an hour: more than 17 is “from 18:00”; at most 17 is “before 18:00”."""
    if comparison in {TermComparison.MORE_THAN, TermComparison.AT_MOST}:
        hour += 1
    begins = comparison in {TermComparison.MORE_THAN, TermComparison.AT_LEAST}
    return (FROM_HOUR if begins else BEFORE_HOUR).fill(hour=hour)


def _size(term: Term, value_type: str, currency: str) -> object:
    """A percentage, or a value by its fields; an amount without a currency, which is zero, as a number."""
    if term.kind in PERCENT_KINDS:
        return {"percent": term.values[0]}
    if value_type == "quantity" or not currency:
        return QuantityValue(term.values[0])
    return to_value({"type": "money", "amount": term.values[0], "currency": currency})
