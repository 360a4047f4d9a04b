"""Jobs of taxes, in the client's account; `ref` is the invoice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

LANE: Final = "taxes"
_PATIENT: Final = RetryPolicy(attempts=24, base=2.0, cap=3600.0)
"""About a day of retries, for outages of the service."""
CALCULATE_TAX: Final = JobType(
    "billing.calculate_tax", N_("Calculate the tax of a draft"), NoPayload, batch=1, seconds=120.0, retry=_PATIENT
)
RECORD_TAX: Final = JobType(
    "billing.record_tax", N_("Record an invoice at the tax service"), NoPayload, batch=1, seconds=120.0, retry=_PATIENT
)
JOB_TYPES: Final = (CALCULATE_TAX, RECORD_TAX)
