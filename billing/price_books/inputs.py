"""Input of the API, pages and commands: the terms of a price, a price of a book, and a new price book."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from billing.errors import PriceNotAllowed
from billing.price_books.cells import MOST_CELLS, PriceCell
from billing.price_books.pricing import PRICED, PriceKind, Terms
from billing.pricing.rounding import Rounding
from billing.pricing.rules import BillingRules, ProrationUnit
from billing.pricing.tiers import PriceTier
from foundation.marks import N_
from foundation.web.requests import RequestBody


class TermsInput(RequestBody, frozen=True, kw_only=True):
    """Terms of a price by its `kind`; see `Terms`. `unit_price` is the price of a unit, a package or a month, where the
    kind has one; with cells, of all other units. `included` units of a month are free. `cells`: see `PriceCell`.
    """

    kind: PriceKind = PriceKind.PER_UNIT
    unit_price: Decimal | None = None
    included: Decimal = Decimal(0)
    tiers: Annotated[Sequence[PriceTier], msgspec.Meta(max_length=50)] = ()
    size: Decimal = Decimal(0)
    rate_pct: Decimal = Decimal(0)
    per_event: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    cells: Annotated[Sequence[PriceCell], msgspec.Meta(max_length=MOST_CELLS)] = ()

    @property
    def terms(self) -> Terms:
        """Raises PriceNotAllowed when the kind has a price and none is given."""
        kind = PriceKind.GRADUATED if self.tiers and self.kind is PriceKind.PER_UNIT else self.kind
        if self.unit_price is None and kind in PRICED:
            raise PriceNotAllowed(N_("Enter a price such as 0.03."), field="unit_price")
        return Terms(
            unit_price=self.unit_price or Decimal(0), included=self.included, tiers=tuple(self.tiers), kind=kind,
            size=self.size, rate_pct=self.rate_pct, per_event=self.per_event, minimum=self.minimum,
            maximum=self.maximum, cells=tuple(self.cells),
        )  # fmt: skip


class PriceInput(TermsInput, frozen=True, kw_only=True):
    """A price of a price book. `valid_from`: now if not given. `description`: the text on the invoice; the meter's own
    if not given.
    """

    meter: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    description: Annotated[str, msgspec.Meta(max_length=200)] = ""
    valid_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class RulesInput(RequestBody, frozen=True, kw_only=True):
    """Billing rules of a price book, for choices on which billing engines differ; see `BillingRules`. They cannot be
    changed later.
    """

    rounding: Rounding = Rounding.HALF_UP
    zero_usage_pays_first_flat: bool = False
    min_packages: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    bills_last_day: bool = False
    change_proration: ProrationUnit = ProrationUnit.SECOND
    part_period_proration: ProrationUnit = ProrationUnit.DAY
    prorates_minimum: bool = True
    trial_prorates_commitment: bool = True
    downgrades_at_period_end: bool = True
    pause_credits: bool = True

    @property
    def rules(self) -> BillingRules:
        return BillingRules(**{name: getattr(self, name) for name in RulesInput.__struct_fields__})


class PriceBookInput(RulesInput, frozen=True, kw_only=True):
    """A retail price book: the common one, or that of the client with the short name `client`. The rules apply to all
    its prices, and to subscriptions of its clients. They cannot be changed later.
    """

    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
    name: Annotated[str, msgspec.Meta(max_length=200)] = "Standard"
    client: Annotated[str, msgspec.Meta(max_length=63)] | None = None
