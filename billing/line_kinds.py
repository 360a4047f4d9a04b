"""Kinds of invoice lines, and their text on a document."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from foundation.i18n.localizer import Localizer
from foundation.marks import N_


class LineKind(StrEnum):
    """Kinds in the order of an invoice's lines. All but `USAGE` are written by a `FeeSource`; those from `MINIMUM` on
    depend on the lines before them.
    """

    SUBSCRIPTION = "subscription"
    PRORATION_CHARGE = "proration_charge"
    PRORATION_CREDIT = "proration_credit"
    ONE_OFF = "one_off"
    TOP_UP = "top_up"
    UNIT_PACK = "unit_pack"
    USAGE = "usage"
    UNITS_DRAWN = "units_drawn"
    MINIMUM = "minimum"
    COMMITMENT = "commitment"
    SLA_CREDIT = "sla_credit"
    DISCOUNT = "discount"
    DISCOUNT_BACK = "discount_back"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    LineKind.SUBSCRIPTION: N_("Subscription"),
    LineKind.PRORATION_CHARGE: N_("Part of a period"),
    LineKind.PRORATION_CREDIT: N_("Credit for unused time"),
    LineKind.ONE_OFF: N_("One-off charge"),
    LineKind.TOP_UP: N_("Top-up of the credit balance"),
    LineKind.UNIT_PACK: N_("Prepaid units"),
    LineKind.USAGE: N_("Usage"),
    LineKind.UNITS_DRAWN: N_("Used of prepaid units"),
    LineKind.MINIMUM: N_("Difference to the minimum"),
    LineKind.COMMITMENT: N_("Difference to the commitment"),
    LineKind.SLA_CREDIT: N_("Service credit"),
    LineKind.DISCOUNT: N_("Discount"),
    LineKind.DISCOUNT_BACK: N_("Discounted or credited before"),
}
SUBSCRIBED: Final = frozenset({
    LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE, LineKind.PRORATION_CREDIT, LineKind.ONE_OFF, LineKind.MINIMUM,
    LineKind.COMMITMENT, LineKind.DISCOUNT_BACK,
})  # fmt: skip
"""Kinds of lines that follow from subscriptions, for time by the client's calendar."""
CAUSE_LABELS: Final = {
    "subscription": N_("Subscription"),
    "plan": N_("Plan"),
    "from": N_("From"),
    "until": N_("Until"),
    "month": N_("Month"),
    "measured": N_("In time"),
    "target": N_("Target"),
    "credit": N_("Credit"),
    "deliveries": N_("Deliveries"),
    "late": N_("Late"),
    "coupon_code": N_("Coupon"),
    "product": N_("Product"),
    "units": N_("Units of the pack"),
    "drawn": N_("Used"),
    "left": N_("Left"),
}
"""Labels of the parameters in a line's cause that pages show."""
OF_PACK: Final = "pack:"
"""Prefix of the meter, in the product of lines about packs of units."""
_NAMED_BY_PRICE: Final = (LineKind.USAGE, LineKind.SUBSCRIPTION, LineKind.ONE_OFF)
KIND_ORDER: Final = "array_position(ARRAY[" + ", ".join(f"'{kind}'" for kind in LineKind) + "]::varchar[], l.kind)"
"""SQL to sort the lines `l` of an invoice by kind."""


_NO_CAUSE: Final[Mapping[str, str]] = {}


def describe_line(kind: LineKind, name: str, texts: Localizer, cause: Mapping[str, str] = _NO_CAUSE) -> str:
    """The text of a line in the reader's language: its name, preceded by the kind where the name alone is ambiguous;
    for use of a pack, also the units left.
    """
    if kind is LineKind.UNITS_DRAWN and "left" in cause:
        left = texts.number(Decimal(cause["left"]))
        return texts.fill(N_("Used of prepaid units: {text} ({left} left)"), {"text": name, "left": left})
    if kind in _NAMED_BY_PRICE and name:
        return name
    label = texts.text(kind.label)
    return texts.fill(N_("{label}: {text}"), {"label": label, "text": name}) if name else label
