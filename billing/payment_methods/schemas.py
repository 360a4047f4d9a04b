"""Bodies of the API of payment methods."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from billing.payment_account.states import ProviderKind
from foundation.marks import N_
from foundation.web.requests import RequestBody


class PaymentMethodView(msgspec.Struct, frozen=True):
    """A saved card or debit mandate. `kind` and `brand` are the provider's words; cards are valid until the end of
    `exp_month`.
    """

    external_id: str
    kind: str
    brand: str
    last4: str
    is_default: bool
    exp_month: int | None = None
    exp_year: int | None = None

    @property
    def label(self) -> str:
        """The kind's label to translate; the provider's word for an unknown one."""
        return METHOD_LABELS.get(self.kind, self.kind)


class PaymentMethods(msgspec.Struct, frozen=True, kw_only=True):
    """A client's payment methods. `provider` is that of its invoices now. `is_reading`: the methods are about to be
    read again; `problem` is the reason of the last failure. `agreed_by` set `charges_automatically`.
    """

    provider: ProviderKind
    methods: Sequence[PaymentMethodView] = ()
    charges_automatically: bool = False
    agreed_at: datetime | None = None
    agreed_by: str = ""
    is_reading: bool = False
    problem: str = ""
    read_at: datetime | None = None

    @property
    def has_customer(self) -> bool:
        return self.read_at is not None or self.is_reading


class AutomaticPaymentInput(RequestBody, frozen=True):
    """Whether sent invoices are charged to the default method."""

    charges_automatically: bool


METHOD_LABELS: Final[Mapping[str, str]] = {
    "card": N_("Card"),
    "sepa_debit": N_("SEPA direct debit"),
    "bacs_debit": N_("Bacs direct debit"),
    "us_bank_account": N_("US bank account"),
    "link": "Link",
}
