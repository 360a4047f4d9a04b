"""Port to a tax service. Amounts are integers in minor units of `currency`, an ISO 4217 code in capitals."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from billing.legal_entities.tax import TaxDetail
from foundation.errors import Conflict
from foundation.marks import N_


class TaxHeld(Conflict):
    """The invoice stays a draft: its tax is not known, or the service's answer cannot be used."""

    code = "tax-not-calculated"
    title = N_("The tax of this invoice is not calculated")


NO_SERVICE: Final = N_("Tax is calculated by Stripe, but no account at Stripe is connected. Set the payment account.")


class TaxQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A supply of services on `day`, of the absolute amount `net_minor`. `vat_id` is the buyer's."""

    currency: str
    net_minor: int
    seller_country: str
    seller_vat_id: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    tax_code: str
    day: str


class TaxAnswer(msgspec.Struct, frozen=True):
    external_id: str
    tax_minor: int
    details: Sequence[TaxDetail]


class TaxService(Protocol):
    """Every method raises OutboundHeld, ProviderBusy, ProviderUncertain or ProviderRefused. Recording and reversing are
    idempotent by their `reference`.
    """

    async def calculate(self, question: TaxQuestion) -> TaxAnswer: ...

    async def record(self, calculation_id: str, *, reference: str) -> str:
        """Record the calculated supply for the tax returns; returns the id of the transaction."""
        ...

    async def reverse(self, transaction_id: str, *, reference: str, gross_minor: int | None, currency: str) -> str:
        """Take back an amount with tax, or the whole transaction."""
        ...
