"""Calculated tax in the API and on pages."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from billing.legal_entities.tax import TaxDetail


class TaxCalculationView(msgspec.Struct, frozen=True):
    """Tax that the service calculated for an invoice of `net_minor`, on `tax_day`. `failure`: code of the error that
    stopped the last attempt, with its `answer`; `transaction_id`: the finalised invoice as recorded there.
    """

    external_id: str
    tax_day: date | None
    net_minor: int
    tax_minor: int
    details: Sequence[TaxDetail]
    calculated_at: datetime | None
    failure: str
    answer: str
    failed_at: datetime | None
    transaction_id: str
    recorded_at: datetime | None
