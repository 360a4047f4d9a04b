"""The rules of a price book in words, on pages and documents, and as typed in a form."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from billing.pricing.rounding import Rounding
from billing.pricing.rules import BillingRules, ProrationUnit
from foundation.errors import InvalidInput
from foundation.i18n.localizer import Localizer
from foundation.marks import N_

ROUNDINGS: Final = {
    Rounding.HALF_UP: N_("Halves up"),
    Rounding.HALF_EVEN: N_("Halves to the even amount"),
}
UNITS: Final = {
    ProrationUnit.SECOND: N_("By the second"),
    ProrationUnit.DAY: N_("By days"),
    ProrationUnit.THIRTY_ACTUAL: N_("By the calendar's days, each a thirtieth of a month"),
    ProrationUnit.THIRTY_STRICT: N_("By months of thirty days"),
}
UNIT_FIELDS: Final = {
    "part_period_proration": N_("Parts of a period"),
    "change_proration": N_("Changes within a period"),
}
SWITCHES: Final = {
    "bills_last_day": N_("The day on which a subscription ends is billed"),
    "prorates_minimum": N_("Minimums and commitments count the billed days of a period only"),
    "trial_prorates_commitment": N_("A commitment does not count the days of a trial"),
    "downgrades_at_period_end": N_("A change to a lower price waits for the end of the period"),
    "pause_credits": N_("A pause credits the rest of the period"),
}
_SENTENCES: Final = {
    Rounding.HALF_UP: N_("Each line is rounded once, halves up; tax once per rate."),
    Rounding.HALF_EVEN: N_("Each line is rounded once, halves to the even amount; tax once per rate."),
}
_PARTS: Final = {
    ProrationUnit.SECOND: N_("Parts of a period are charged by the second."),
    ProrationUnit.DAY: N_("Parts of a period are charged by days."),
    ProrationUnit.THIRTY_ACTUAL: N_("Parts of a period are charged by days, each a thirtieth of a month."),
    ProrationUnit.THIRTY_STRICT: N_("Parts of a period are charged by months of thirty days."),
}
_CHANGES: Final = {
    ProrationUnit.SECOND: N_("Changes within a period are charged by the second."),
    ProrationUnit.DAY: N_("Changes within a period are charged by days."),
    ProrationUnit.THIRTY_ACTUAL: N_("Changes within a period are charged by days, each a thirtieth of a month."),
    ProrationUnit.THIRTY_STRICT: N_("Changes within a period are charged by months of thirty days."),
}
_LAST_DAY: Final = {
    True: N_("The day on which a subscription ends is billed."),
    False: N_("The day on which a subscription ends is not billed."),
}


def write_rules(rules: BillingRules, texts: Localizer, *, subscribed: bool) -> Sequence[str]:
    """Sentences for a document; those about subscriptions if it has any."""
    return [texts.text(one) for one in _sentences(rules, subscribed=subscribed)]


def _sentences(rules: BillingRules, *, subscribed: bool) -> Iterator[str]:
    if rules.rounding in _SENTENCES:
        yield _SENTENCES[rules.rounding]
    if subscribed:
        yield _PARTS[rules.part_period_proration]
        yield _CHANGES[rules.change_proration]
        yield _LAST_DAY[rules.bills_last_day]


def list_rules(rules: BillingRules, texts: Localizer) -> Sequence[tuple[str, str]]:
    """Question and answer of each rule that a price book can set, for a page."""
    answers = {True: texts.text(N_("Yes")), False: texts.text(N_("No"))}
    units = [(texts.text(label), texts.text(UNITS[getattr(rules, name)])) for name, label in UNIT_FIELDS.items()]
    return [*units, *((texts.text(label), answers[getattr(rules, name)]) for name, label in SWITCHES.items())]


def read_rules(typed: Mapping[str, str]) -> Mapping[str, Any]:
    """Read the rules from a form; only the rounding if the form has no field `rules`.

    Raises:
        InvalidInput: names the field.
    """
    rounding = typed.get("rounding", Rounding.HALF_UP)
    if rounding not in ROUNDINGS:
        raise InvalidInput(N_("Choose how amounts are rounded."), field="rounding")
    found: dict[str, Any] = {"rounding": Rounding(rounding)}
    if "rules" not in typed:
        return found
    for name in UNIT_FIELDS:
        unit = typed.get(name, "")
        if unit not in list(ProrationUnit):
            raise InvalidInput(N_("Choose how a part is counted."), field=name)
        found[name] = ProrationUnit(unit)
    return found | {name: typed.get(name) == "on" for name in SWITCHES}
