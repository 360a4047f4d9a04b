"""Jobs that several slices of this room name, and their lane."""

from typing import Final

import msgspec

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

LANE: Final = "billing"
MAKE_DOCUMENTS: Final = JobType("billing.make_documents", N_("Make the documents of an invoice"), NoPayload, batch=1)
"""`ref` is the invoice."""

DRAFT_AGAIN: Final = JobType("billing.draft_again", N_("Update draft invoices of a client"), NoPayload, batch=1)
APPLY_ENTITLEMENTS: Final = JobType("billing.apply_entitlements", N_("Apply what the plan allows"), NoPayload, batch=1)


class InvoiceMail(msgspec.Struct, frozen=True):
    """Recipient of an invoice's mail, a first one or a reminder."""

    to: str
    is_reminder: bool = False


MAIL_INVOICE: Final = JobType("billing.mail_invoice", N_("Mail an invoice"), InvoiceMail, batch=1)
"""`ref` is the invoice. The job has the key of `MAKE_DOCUMENTS`, so that the documents are made before."""
