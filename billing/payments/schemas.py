"""What is shown of an invoice at the payment provider."""

from datetime import datetime

import msgspec


class InvoiceCollection(msgspec.Struct, frozen=True):
    """An invoice at the payment provider. `status` is the provider's word, empty until it is there; amounts are in
    minor units. The payer pays at `payment_url`. `failure` is the code of the error that stopped the last attempt.
    """

    provider: str
    external_id: str
    status: str
    payment_url: str
    total_minor: int
    paid_minor: int
    credited_minor: int
    refunded_minor: int
    disputed_minor: int
    attempts: int
    failure: str
    answer: str
    read_at: datetime | None
