"""Jobs of this slice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

MAIL_LANE: Final = "mail"
SEND_MAIL: Final = JobType(
    "tenants.send_mail",
    N_("Send a mail"),
    NoPayload,
    batch=1,
    retry=RetryPolicy(attempts=14, base=10.0, cap=6 * 3600.0),
)
"""One mail per batch, so that its state is committed as soon as the server accepts it. Attempts span about a day."""
