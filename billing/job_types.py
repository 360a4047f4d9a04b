"""Jobs that several slices of this room name, and their lane."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

LANE: Final = "billing"
MAKE_DOCUMENTS: Final = JobType("billing.make_documents", N_("Make the documents of an invoice"), NoPayload, batch=1)
"""`ref` is the invoice."""
