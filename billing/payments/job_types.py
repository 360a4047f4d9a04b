"""Jobs of collection."""

from datetime import datetime
from typing import Final

import msgspec

from foundation.jobs.types import ENDLESS, JobType, NoPayload, RetryPolicy
from foundation.marks import N_

_PATIENT: Final = RetryPolicy(attempts=24, base=2.0, cap=3600.0)
"""About a day of retries, for outages of the provider."""
LANE: Final = "payments"
SWEEP_LANE: Final = "payment_sweep"
"""Separate lane, so that events do not wait for a sweep."""


class ApplyEvent(msgspec.Struct, frozen=True):
    """`event_id` is the provider's."""

    event_id: str


class CollectInvoice(msgspec.Struct, frozen=True):
    """`reopens`: requested by a person, so refused requests are sent again."""

    reopens: bool = False


class ReadInvoices(msgspec.Struct, frozen=True):
    """Page of invoices created at or after `since`, newest first, following the external id `after`."""

    since: datetime
    after: str = ""


COLLECT: Final = JobType(
    "billing.collect_invoice", N_("Collect an invoice by the payment provider"), CollectInvoice, batch=1, seconds=120.0,
    retry=_PATIENT,
)  # fmt: skip
"""In the client's account; `ref` is the invoice."""
APPLY_EVENT: Final = JobType(
    "billing.apply_payment_event", N_("Apply an event of the payment provider"), ApplyEvent, batch=1, seconds=120.0,
    retry=_PATIENT,
)  # fmt: skip
"""In the MSP account."""
SWEEP: Final = JobType(
    "billing.sweep_payments", N_("Look for missed events of the payment provider"), NoPayload, batch=1, seconds=600.0,
    retry=ENDLESS,
)  # fmt: skip
"""In the MSP account, each night."""
READ_INVOICES: Final = JobType(
    "billing.read_invoices_again", N_("Read recent invoices at the payment provider again"), ReadInvoices, batch=1,
    seconds=600.0, retry=_PATIENT,
)  # fmt: skip
"""In the MSP account, after each sweep; each job reads a page and enqueues the next."""
CHECK_ACCOUNT: Final = JobType(
    "billing.check_payment_account", N_("Read the account at the payment provider"), NoPayload, batch=1, seconds=60.0,
    retry=_PATIENT,
)  # fmt: skip
"""In the MSP account."""
JOB_TYPES: Final = (COLLECT, APPLY_EVENT, SWEEP, READ_INVOICES)
