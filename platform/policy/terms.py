"""Conditions as terms, for forms and sentences: each term is one conjunct of a condition's text.

`read_terms` is the inverse of `write_condition`. A handwritten condition with `or` or other arithmetic has no terms; it
is shown as written.
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from canonical.money import InexactAmount, UnknownCurrency, parse_decimal, stored_exponent
from canonical.values import InvalidValue, minor_money
from foundation.codes import LabelledCode
from foundation.marks import N_
from policy.conditions import MAX_INTEGER
from policy.errors import InvalidRule
from policy.facts import MONTH_FACT, PROPOSER_PREFIX
from policy.time_facts import WEEKDAYS


class TermComparison(LabelledCode):
    MORE_THAN = "more_than", N_("more than")
    AT_LEAST = "at_least", N_("at least")
    LESS_THAN = "less_than", N_("less than")
    AT_MOST = "at_most", N_("at most")


class Membership(LabelledCode):
    ANY_OF = "any_of", N_("is any of")
    NONE_OF = "none_of", N_("is none of")


class Direction(LabelledCode):
    UP = "up", N_("up")
    DOWN = "down", N_("down")


class TermKind(LabelledCode):
    """Kinds of terms: the value and its change first, then the selection of values."""

    ANY_CHANGE = "any_change", N_("Any change")
    DIRECTION = "direction", N_("Direction")
    CHANGE_PERCENT = "change_percent", N_("Change in percent")
    MONTH_PERCENT = "month_percent", N_("Change within the month, in percent")
    CHANGE_AMOUNT = "change_amount", N_("Change in amount")
    NEW_VALUE = "new_value", N_("New value")
    BELOW_COST = "below_cost", N_("Below cost")
    MARGIN_BELOW = "margin_below", N_("Margin below, in percent")
    COST_UNKNOWN = "cost_unknown", N_("Cost not known")
    CHANNEL = "channel", N_("Channel")
    CHANNEL_KIND = "channel_kind", N_("Kind of channel")
    PARTNER = "partner", N_("Partner")
    JURISDICTION = "jurisdiction", N_("Jurisdiction")
    CURRENCY = "currency", N_("Currency")
    PRICE_LIST = "dim_price_list", N_("Price list")
    CUSTOMER_GROUP = "dim_customer_group", N_("Customer group")
    LOCATION = "dim_location", N_("Location")
    LANGUAGE = "dim_locale", N_("Language")
    CODE = "code", N_("Code")
    PROPOSER_ROLE = "proposer_role", N_("Role of the proposer")
    HOUR = "hour", N_("Hour of the day")
    WEEKDAY = "weekday", N_("Day of the week")


class Term(msgspec.Struct, frozen=True, omit_defaults=True):
    """One condition. `comparison` is a `TermComparison` of numbers or a `Membership` of texts; `values` are plain
    decimals (an amount in major units, a percentage as 2.5), texts, or a `Direction`.
    """

    kind: str
    comparison: str = ""
    values: tuple[str, ...] = ()


_SIGNS: Final = {
    TermComparison.MORE_THAN: ">",
    TermComparison.AT_LEAST: ">=",
    TermComparison.LESS_THAN: "<",
    TermComparison.AT_MOST: "<=",
}
_COMPARISONS: Final = {sign: code for code, sign in _SIGNS.items()}
_FACT_OF: Final = {"money": "minor", "quantity": "quantity", "order": "minor"}
_HUNDREDTHS: Final = 100  # basis points of a percent
_WHOLE: Final = 10_000
_HOURS: Final = 24
_FIXED: Final = {
    TermKind.ANY_CHANGE: "r.ctx.changed >= 0",
    TermKind.BELOW_COST: "r.ctx.new_minor < r.ctx.cost_minor",
    TermKind.COST_UNKNOWN: "r.ctx.cost_known == 0",
}
TEXT_KINDS: Final = frozenset({
    TermKind.CHANNEL, TermKind.CHANNEL_KIND, TermKind.PARTNER, TermKind.JURISDICTION, TermKind.CURRENCY,
    TermKind.PRICE_LIST, TermKind.CUSTOMER_GROUP, TermKind.LOCATION, TermKind.LANGUAGE, TermKind.CODE, TermKind.WEEKDAY,
})  # fmt: skip
"""Kinds whose values are texts; each is named as its fact."""
PERCENT_KINDS: Final = {TermKind.CHANGE_PERCENT: "change_bp", TermKind.MONTH_PERCENT: MONTH_FACT}
"""Kinds whose value is a percentage, and their facts."""
_AMOUNT_KINDS: Final = frozenset({TermKind.CHANGE_AMOUNT, TermKind.NEW_VALUE})
_ANYWHERE: Final = (
    TermKind.ANY_CHANGE, TermKind.CHANNEL, TermKind.CHANNEL_KIND, TermKind.PARTNER, TermKind.JURISDICTION,
    TermKind.PROPOSER_ROLE, TermKind.HOUR, TermKind.WEEKDAY,
)  # fmt: skip
_OF_TYPE: Final[Mapping[str, tuple[TermKind, ...]]] = {
    "money": (
        TermKind.DIRECTION, TermKind.CHANGE_PERCENT, TermKind.MONTH_PERCENT, TermKind.CHANGE_AMOUNT,
        TermKind.NEW_VALUE, TermKind.BELOW_COST, TermKind.MARGIN_BELOW, TermKind.COST_UNKNOWN, TermKind.CURRENCY,
    ),
    "quantity": (TermKind.DIRECTION, TermKind.CHANGE_AMOUNT, TermKind.NEW_VALUE),
    "order": (TermKind.NEW_VALUE, TermKind.CURRENCY),
    "enumeration": (TermKind.CODE,),
}  # fmt: skip


def kinds_of(value_type: str, dimensions: Iterable[str]) -> frozenset[str]:
    """Kinds of terms whose facts a change of an element can have (`policy.facts`)."""
    divided = {f"dim_{name}" for name in dimensions} & TEXT_KINDS
    return frozenset({*_ANYWHERE, *_OF_TYPE.get(value_type, ()), *divided})


def write_condition(terms: Sequence[Term], value_type: str) -> str:
    """The condition that holds when all terms do; empty without terms, which always holds.

    Raises:
        InvalidRule: a term is incomplete, or its amount is not exact in its currency.
    """
    currency = _currency_of(terms)
    return " and ".join(_write(term, value_type, currency) for term in terms)


def read_terms(condition: str, value_type: str) -> tuple[Term, ...] | None:
    """Terms of a condition in its normal form; None for one that terms cannot express."""
    if not condition.strip():
        return ()
    try:
        tree = ast.parse(condition.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    texts = [ast.unparse(part) for part in parts]
    currency = _currency_of([term for term in map(_read_text, texts) if term is not None])
    terms = [_read(text, value_type, currency) for text in texts]
    found = tuple(term for term in terms if term is not None)
    if len(found) < len(terms):
        return None
    try:
        return found if write_condition(found, value_type) == " and ".join(texts) else None
    except InvalidRule:
        return None


def _currency_of(terms: Iterable[Term]) -> str:
    """The single currency that the terms allow; empty without one."""
    found = [term.values for term in terms if term.kind == TermKind.CURRENCY and term.comparison == Membership.ANY_OF]
    return found[0][0] if len(found) == 1 and len(found[0]) == 1 else ""


def _write(term: Term, value_type: str, currency: str) -> str:
    kind = term.kind
    if kind in _FIXED:
        return _FIXED[TermKind.of(kind)]
    if kind in TEXT_KINDS or kind == TermKind.PROPOSER_ROLE:
        return _write_text(term) if kind in TEXT_KINDS else _write_roles(term)
    fact = _FACT_OF.get(value_type, "minor")
    if kind == TermKind.DIRECTION:
        if _only(term) not in set(Direction):
            raise InvalidRule(N_("Choose up or down."))
        sign = ">" if _only(term) == Direction.UP else "<"
        return f"r.ctx.new_{fact} {sign} r.ctx.old_{fact}"
    if kind in PERCENT_KINDS or kind == TermKind.HOUR:
        percent = PERCENT_KINDS.get(TermKind.of(kind))
        named, number = (percent, _percent(term)) if percent else ("hour", _hour(term))
        return f"r.ctx.{named} {_sign(term)} {number}"
    if kind == TermKind.MARGIN_BELOW:
        return f"r.ctx.new_minor * {_WHOLE - _percent(term, most=_WHOLE)} < r.ctx.cost_minor * {_WHOLE}"
    if kind in _AMOUNT_KINDS:
        number = _amount(_only(term), fact, currency)
        if kind == TermKind.CHANGE_AMOUNT and number < 0:
            raise InvalidRule(N_("The size of a change is not negative. Add its direction as a condition."))
        return f"{_amount_fact(kind, value_type, fact)} {_sign(term)} {number}"
    raise InvalidRule(N_("There is no condition “{kind}”."), params={"kind": kind[:40]})


def _amount_fact(kind: str, value_type: str, fact: str) -> str:
    if kind == TermKind.NEW_VALUE:
        return "r.ctx.total_minor" if value_type == "order" else f"r.ctx.new_{fact}"
    return "abs(r.ctx.change_quantity)" if fact == "quantity" else "abs(r.ctx.new_minor - r.ctx.old_minor)"


def _write_text(term: Term) -> str:
    values = tuple(dict.fromkeys(term.values))
    if not values or not all(values) or term.comparison not in set(Membership):
        raise InvalidRule(N_("The condition “{kind}” needs at least one value."), params={"kind": term.kind})
    if term.kind == TermKind.WEEKDAY:
        if not set(values) <= set(WEEKDAYS):
            raise InvalidRule(N_("A day of the week is one of: {known}."), params={"known": ", ".join(WEEKDAYS)})
        values = tuple(day for day in WEEKDAYS if day in values)
    positive = term.comparison == Membership.ANY_OF
    if len(values) == 1:
        return f"r.ctx.{term.kind} {'==' if positive else '!='} {values[0]!r}"
    return f"r.ctx.{term.kind} {'in' if positive else 'not in'} {values!r}"


def _write_roles(term: Term) -> str:
    """A condition on the sum of the roles' facts, because a person may have several of the roles."""
    roles = tuple(dict.fromkeys(term.values))
    if not roles or term.comparison not in set(Membership):
        raise InvalidRule(N_("The condition “{kind}” needs at least one value."), params={"kind": term.kind})
    if odd := next((role for role in roles if not _ROLE.fullmatch(role)), ""):
        raise InvalidRule(N_("There is no role “{role}” here."), params={"role": odd[:40]})
    total = " + ".join(f"r.ctx.{PROPOSER_PREFIX}{role}" for role in roles)
    return f"{total} {'>' if term.comparison == Membership.ANY_OF else '=='} 0"


def _only(term: Term) -> str:
    if len(term.values) != 1 or not term.values[0]:
        raise InvalidRule(N_("The condition “{kind}” needs one value."), params={"kind": term.kind[:40]})
    return term.values[0]


def _sign(term: Term) -> str:
    if term.comparison not in set(TermComparison):
        known = ", ".join(TermComparison)
        raise InvalidRule(N_("Compare by one of: {known}."), params={"known": known})
    return _SIGNS[TermComparison.of(term.comparison)]


def _amount(text: str, fact: str, currency: str) -> int:
    if fact == "quantity":
        return _scaled(text, 0)
    if not currency and _scaled(text, 0, exact=False) == 0:
        return 0
    if not currency:
        raise InvalidRule(N_("An amount needs one currency: add it as a condition."))
    try:
        return _scaled(text, stored_exponent(currency))
    except UnknownCurrency:
        raise InvalidRule(N_("“{currency}” is not a currency."), params={"currency": currency[:20]}) from None


def _hour(term: Term) -> int:
    number = _scaled(_only(term), 0)
    if not 0 <= number <= _HOURS:
        raise InvalidRule(N_("An hour of the day is between 0 and {most}."), params={"most": _HOURS})
    return number


def _percent(term: Term, *, most: int = 100 * _WHOLE) -> int:
    """The percentage in basis points. Raises InvalidRule."""
    number = _scaled(_only(term), 2)
    if not 0 <= number <= most:
        raise InvalidRule(N_("A percentage is between 0 and {most} here."), params={"most": most // _HUNDREDTHS})
    return number


def _scaled(text: str, digits: int, *, exact: bool = True) -> int:
    """The number times ten to the power of `digits`. Raises InvalidRule for a text that is not a number, or has more
    digits.
    """
    try:
        number = parse_decimal(text.strip()).scaleb(digits)
    except InexactAmount:
        raise InvalidRule(N_("“{text}” is not a number such as 12.50."), params={"text": text[:40]}) from None
    if exact and number != number.to_integral_value():
        raise InvalidRule(
            N_("“{text}” has more than {digits} digits after the point."), params={"text": text[:40], "digits": digits}
        )
    if abs(number) > MAX_INTEGER:
        raise InvalidRule(N_("“{text}” is too large."), params={"text": text[:40]})
    return int(number) if exact or number == number.to_integral_value() else 1


_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{0,36}", re.ASCII)
_BY: Final = re.compile(
    rf"r\.ctx\.{PROPOSER_PREFIX}\w+(?: \+ r\.ctx\.{PROPOSER_PREFIX}\w+)* (?P<sign>>|==) 0", re.ASCII
)
_SIGN: Final = r"(?P<sign>>=|<=|>|<)"
_TEXT: Final = re.compile(r"r\.ctx\.(?P<kind>[a-z_]+) (?P<sign>==|!=|in|not in) (?P<value>['(\[].*)", re.DOTALL)
_PATTERNS: Final = (
    (TermKind.DIRECTION, re.compile(r"r\.ctx\.new_(minor|quantity) (?P<sign>>|<) r\.ctx\.old_\1")),
    (TermKind.HOUR, re.compile(rf"r\.ctx\.hour {_SIGN} (?P<number>\d+)")),
    *((kind, re.compile(rf"r\.ctx\.{fact} {_SIGN} (?P<number>\d+)")) for kind, fact in PERCENT_KINDS.items()),
    (TermKind.MARGIN_BELOW, re.compile(r"r\.ctx\.new_minor \* (?P<number>\d+) < r\.ctx\.cost_minor \* 10000")),
    (TermKind.CHANGE_AMOUNT, re.compile(rf"abs\(r\.ctx\.change_quantity\) {_SIGN} (?P<number>\d+)")),
    (TermKind.CHANGE_AMOUNT, re.compile(rf"abs\(r\.ctx\.new_minor - r\.ctx\.old_minor\) {_SIGN} (?P<number>\d+)")),
    (TermKind.NEW_VALUE, re.compile(rf"r\.ctx\.(new_minor|total_minor|new_quantity) {_SIGN} (?P<number>-?\d+)")),
)


def _read(text: str, value_type: str, currency: str) -> Term | None:
    for kind, fixed in _FIXED.items():
        if text == fixed:
            return Term(kind)
    if (term := _read_text(text)) is not None:
        return term
    if found := _BY.fullmatch(text):
        roles = tuple(part.removeprefix(f"r.ctx.{PROPOSER_PREFIX}") for part in text.split(" ")[:-2:2])
        return Term(TermKind.PROPOSER_ROLE, Membership.ANY_OF if found["sign"] == ">" else Membership.NONE_OF, roles)
    for kind, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return _term(kind, found, _FACT_OF.get(value_type, "minor"), currency)
    return None


def _term(kind: TermKind, found: re.Match[str], fact: str, currency: str) -> Term:
    if kind is TermKind.DIRECTION:
        return Term(kind, values=(Direction.UP if found["sign"] == ">" else Direction.DOWN,))
    number = int(found["number"])
    if kind is TermKind.MARGIN_BELOW:
        return Term(kind, values=(_plain(_WHOLE - number, 2),))
    comparison = _COMPARISONS[found["sign"]]
    if kind in PERCENT_KINDS:
        return Term(kind, comparison, (_plain(number, 2),))
    if kind is not TermKind.HOUR and fact == "minor" and currency and number:
        try:
            return Term(kind, comparison, (minor_money(number, currency).amount,))
        except (InexactAmount, InvalidValue, UnknownCurrency):
            return Term(kind, comparison)  # a currency that is none: write_condition refuses it
    return Term(kind, comparison, (str(number),))


def _read_text(text: str) -> Term | None:
    found = _TEXT.fullmatch(text)
    if found is None or found["kind"] not in TEXT_KINDS:
        return None
    value = ast.literal_eval(found["value"])
    values = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(each, str) for each in values):
        return None
    comparison = Membership.ANY_OF if found["sign"] in {"==", "in"} else Membership.NONE_OF
    return Term(found["kind"], comparison, values)


def _plain(number: int, digits: int) -> str:
    """`number` hundredths, thousandths … as a plain decimal without trailing zeros."""
    return f"{Decimal(number).scaleb(-digits).normalize():f}"
