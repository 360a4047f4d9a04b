"""Job of a client's payment methods."""

from enum import StrEnum
from typing import Final

import msgspec

from foundation.jobs.types import JobType, RetryPolicy
from foundation.marks import N_


class MethodAct(StrEnum):
    READ = "read"
    CHOOSE = "choose"
    """Make it the default."""
    REMOVE = "remove"


class ChangeMethod(msgspec.Struct, frozen=True):
    """`method_id` is the provider's, empty for reading. All are read afterwards."""

    act: MethodAct = MethodAct.READ
    method_id: str = ""


CHANGE_METHOD: Final = JobType(
    "billing.change_payment_method", N_("Read or change payment methods"), ChangeMethod, batch=1,
    seconds=120.0, retry=RetryPolicy(attempts=24, base=2.0, cap=3600.0),
)  # fmt: skip
"""In the client's account."""
JOB_TYPES: Final = (CHANGE_METHOD,)
