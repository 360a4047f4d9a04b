"""Jobs of this slice."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from foundation.jobs.types import JobType
from foundation.marks import N_

LANE: Final = "impersonation"


class ImpersonationTime(msgspec.Struct, frozen=True):
    """The impersonation whose time is over at `until`, and who began it."""

    id: UUID
    member_id: UUID
    by: str
    until: datetime


RECORD_END: Final = JobType("tenants.record_end", N_("Record the end of an impersonation"), ImpersonationTime)
