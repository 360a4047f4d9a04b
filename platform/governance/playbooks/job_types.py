"""Job type of this slice. It runs by a timer in the lane of governance's timers."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

CHECK_GATES: Final = JobType("governance.check_gates", N_("Check the gates of an onboarding project"), NoPayload)
