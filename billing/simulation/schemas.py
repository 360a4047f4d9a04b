"""Input and result of a simulation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.price_books.inputs import TermsInput
from billing.price_books.pricing import Terms
from foundation.web.requests import RequestBody


class DraftPrice(TermsInput, frozen=True, kw_only=True):
    """A price that is tried out, of the meter `meter`."""

    meter: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class SimulationInput(RequestBody, frozen=True, kw_only=True):
    """`month` such as 2026-03; the last one that ended if not given. `client`: the short name of the only client to
    simulate. `prices` replace those of their meters in the book. `change_pct` changes all its other prices, such as 5
    or -2.5 per cent.
    """

    month: Annotated[str, msgspec.Meta(max_length=7)] = ""
    client: Annotated[str, msgspec.Meta(max_length=63)] | None = None
    prices: Annotated[Sequence[DraftPrice], msgspec.Meta(max_length=50)] = ()
    change_pct: Decimal = Decimal(0)


class PriceDraft(msgspec.Struct, frozen=True):
    """Checked terms by meter, and the change of all other prices in per cent."""

    terms: Mapping[str, Terms]
    change_pct: Decimal = Decimal(0)


class SimulatedAmount(msgspec.Struct, frozen=True):
    """Cost of usage by the prices that applied and by the draft, in minor units."""

    old_minor: int
    new_minor: int

    @property
    def difference_minor(self) -> int:
        return self.new_minor - self.old_minor

    @property
    def change(self) -> float | None:
        """The difference as a share of the old amount; None of nothing."""
        return self.difference_minor / self.old_minor if self.old_minor else None


class MeterSimulation(SimulatedAmount, frozen=True, kw_only=True):
    meter: str
    quantity: Decimal
    difference: int


class ClientSimulation(SimulatedAmount, frozen=True, kw_only=True):
    client_id: UUID
    difference: int


class Simulation(SimulatedAmount, frozen=True, kw_only=True):
    """A month's usage by both price sets; `difference` is new minus old. `by_client` has the largest difference first.
    `clients_left_out` are billed in another currency. `unpriced_events` have no price by the draft.
    """

    period_start: datetime
    period_end: datetime
    currency: str
    difference: int
    by_meter: Sequence[MeterSimulation]
    by_client: Sequence[ClientSimulation]
    clients_left_out: int
    unpriced_events: int
