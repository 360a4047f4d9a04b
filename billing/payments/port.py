"""Port to a payment provider. Amounts are integers in minor units of `currency`, an ISO 4217 code in capitals."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

import msgspec

from billing.payments.states import EventTopic
from foundation.errors import Conflict, Unavailable
from foundation.marks import N_


class ProviderRefused(Conflict):
    """The provider refused the request. `provider_code` is its own code. `is_lasting`: the same request would be
    refused again, unlike a request refused because of the API key.
    """

    code = "payment-provider-refused"
    title = N_("The payment provider refused this")

    def __init__(self, detail: str, *, provider_code: str = "", is_lasting: bool = True) -> None:
        super().__init__(
            N_("The payment provider answered: {answer}"), params={"answer": detail}, provider_code=provider_code
        )
        self.provider_code = provider_code
        self.is_lasting = is_lasting
        self.answer = detail


class ProviderUncertain(Unavailable):
    """No answer, or a failure of the provider: the call may have taken effect. `is_stored`: the provider returns the
    same failure for the same idempotency key.
    """

    code = "payment-provider-uncertain"
    title = N_("The payment provider did not answer")

    def __init__(self, *, is_stored: bool = False) -> None:
        super().__init__(N_("The answer of the payment provider is missing. It will be asked again."))
        self.is_stored = is_stored


class ProviderBusy(Unavailable):
    """Nothing was done: a rate limit. `retry_after` is in seconds."""

    code = "payment-provider-busy"
    title = N_("The payment provider is busy")

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__(N_("The payment provider asks to wait."), retry_after=retry_after)
        self.retry_after = retry_after


class TotalsDiffer(Conflict):
    """The provider's draft has another total than our invoice, so it is not finalised."""

    code = "payment-totals-differ"
    title = N_("The provider's total differs")


class AmountRefused(Conflict):
    """The provider cannot take this amount of the currency."""

    code = "payment-amount-refused"
    title = N_("The payment provider does not take this amount")


OTHER_ACCOUNT: Final = "payment-other-account"
NOT_RECORDED: Final = "payment-not-recorded"
FAILURES: Final = {
    **{one.code: one.title for one in (ProviderRefused, TotalsDiffer, AmountRefused, Conflict)},
    OTHER_ACCOUNT: N_("It is at an earlier payment account"),
    NOT_RECORDED: N_("What was paid there cannot be recorded here"),
}
"""Titles of the errors that stop the collection of an invoice, by code."""


class ProviderAccount(msgspec.Struct, frozen=True):
    external_id: str
    can_charge: bool
    requirements: Sequence[str] = ()
    disabled_reason: str = ""


class PayingClient(msgspec.Struct, frozen=True):
    client_id: UUID
    name: str
    email: str = ""


class PushedLine(msgspec.Struct, frozen=True):
    """`amount_minor` is before tax. An untaxed line deducts an amount settled already, with tax."""

    line_id: UUID
    description: str
    amount_minor: int
    service_start: datetime
    service_end: datetime
    tax_minor: int = 0
    is_taxed: bool = True


class PushedTax(msgspec.Struct, frozen=True):
    """The one rate of an invoice. `category` is a code of UNCL 5305, `label` the payer's text, in the document's
    language.
    """

    percent: Decimal
    category: str
    label: str


class PushedInvoice(msgspec.Struct, frozen=True):
    """A finalised invoice of ours. `total_minor` is with tax. `due_days`: for display at the provider; dunning is done
    here.
    """

    invoice_id: UUID
    client_id: UUID
    currency: str
    total_minor: int
    lines: Sequence[PushedLine]
    due_days: int = 14
    tax: PushedTax | None = None


class PushedCredit(msgspec.Struct, frozen=True):
    """A credit note of ours, with tax. `refunds`: the provider pays back its payments; else the amount becomes a
    balance of the client here.
    """

    note_id: UUID
    amount_minor: int
    refunds: bool = False


class RemoteDispute(msgspec.Struct, frozen=True):
    """A payment that the payer's bank disputes. `status` and `reason` are the provider's words; evidence is taken until
    `due_by`. Whether its money is with the payer follows from the invoice's `disputed_minor`, not from the status.
    """

    external_id: str
    status: str
    reason: str
    amount_minor: int
    due_by: datetime | None = None


class RemoteInvoice(msgspec.Struct, frozen=True):
    """The provider's invoice, freshly fetched. `status` is the provider's own word; `paid_outside_minor` is the part
    paid outside the provider; `refunded_here_minor` the part of the refunds made for our credit notes, the others were
    made at the provider itself; `attempts` are those to charge a stored payment method; the payer pays at
    `payment_url`; `paid_at` is the time of full payment.
    """

    external_id: str
    invoice_id: UUID | None
    client_id: UUID | None
    status: str
    currency: str
    total_minor: int
    paid_minor: int = 0
    paid_outside_minor: int = 0
    credited_minor: int = 0
    refunded_minor: int = 0
    refunded_here_minor: int = 0
    disputed_minor: int = 0
    number: str = ""
    payment_url: str = ""
    attempts: int = 0
    paid_at: datetime | None = None
    disputes: Sequence[RemoteDispute] = ()


class PaymentMethod(msgspec.Struct, frozen=True):
    """`brand` and `last4` of a card or account, for people to recognise it; cards expire after `exp_month`."""

    external_id: str
    kind: str
    brand: str
    last4: str
    is_default: bool
    exp_month: int | None = None
    exp_year: int | None = None


class MethodLink(msgspec.Struct, frozen=True):
    """A page of the provider on which a payer enters a payment method. `url` is valid for a short time, and is never
    stored.
    """

    session_id: str
    url: str


class Notice(msgspec.Struct, frozen=True):
    """A verified webhook. `account` is the connected account concerned; empty for the endpoint's own."""

    event_id: str
    type: str
    object_id: str
    account: str = ""


class RemoteEvent(msgspec.Struct, frozen=True):
    """An event that the provider lists, for the sweep."""

    event_id: str
    type: str
    object_id: str
    body: bytes


class PaymentProvider(Protocol):
    """One account at a provider. Every method raises OutboundHeld, ProviderBusy, ProviderUncertain or ProviderRefused;
    methods that change something are idempotent, also after a week.
    """

    async def read_account(self) -> ProviderAccount: ...

    async def put_customer(self, customer: PayingClient) -> str: ...

    async def method_link(self, customer_id: str, *, return_url: str, currency: str) -> MethodLink: ...

    async def portal_link(self, customer_id: str, *, return_url: str) -> str: ...

    async def adopt_method(self, session_id: str) -> bool:
        """Make the method entered on that page the customer's default. False: none is entered yet."""
        ...

    async def list_methods(self, customer_id: str) -> Sequence[PaymentMethod]: ...

    async def choose_method(self, customer_id: str, method_id: str) -> None: ...

    async def remove_method(self, method_id: str) -> None: ...

    async def find_client_of(self, object_id: str) -> UUID | None:
        """The client of a customer, payment method or link; None if the object is none of ours or no longer exists."""
        ...

    async def push_invoice(self, invoice: PushedInvoice, customer_id: str) -> RemoteInvoice: ...

    async def collect(self, invoice_id: UUID, external_id: str, *, attempt: int) -> RemoteInvoice: ...

    async def credit(self, external_id: str, note: PushedCredit) -> RemoteInvoice: ...

    async def adjust_fee(self, invoice_id: UUID, external_id: str) -> None:
        """Return the platform's share of payments of the invoice that the account has refunded."""
        ...

    async def settle_elsewhere(self, invoice_id: UUID, external_id: str) -> RemoteInvoice: ...

    async def void(self, invoice_id: UUID, external_id: str) -> RemoteInvoice: ...

    async def read_invoice(self, external_id: str) -> RemoteInvoice | None: ...

    async def find_invoice_of(self, object_id: str) -> str | None: ...

    async def list_invoices(self, since: datetime, *, after: str = "") -> Sequence[RemoteInvoice]:
        """A page of invoices created at or after `since`, newest first, following the external id `after`; without
        refunds and disputes. Empty at the end.
        """
        ...

    async def list_events(
        self, since: datetime, *, after: str = "", topic: EventTopic = EventTopic.INVOICES
    ) -> Sequence[RemoteEvent]:
        """A page of events of a topic, newest first, following the id `after`. Empty at the end."""
        ...
