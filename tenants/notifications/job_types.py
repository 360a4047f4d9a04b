"""Jobs of this slice."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_

LANE: Final = "notifications"


class NotifyMembers(msgspec.Struct, frozen=True, omit_defaults=True):
    """`path` is the page of the cause, after the account's root. `members` are the recipients' ids; if empty, all
    members whom `kind` concerns, except `by`, who caused it. With `partner_id`, that partner's members only.
    """

    kind: str
    topic: str
    path: str
    at: datetime
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    number: int = 1
    members: list[UUID] = msgspec.field(default_factory=list)
    by: str = ""
    partner_id: UUID | None = None


NOTIFY: Final = JobType("tenants.notify_members", N_("Notify members"), NotifyMembers, batch=100)
SEND_NOTICES: Final = JobType("tenants.send_notices", N_("Mail notifications"), NoPayload, retry=ENDLESS)
"""Its timer has the time of the earliest mail that waits."""
