"""Structs of propagations for pages and the API."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from governance.propagation.states import MOVING, STOPPED


class PropagationView(msgspec.Struct, frozen=True):
    """One change on one channel. Only `verified` means that a buyer sees the value.

    Delivery is timed from `released_at`; `excluded` is the time in which the channel was paused or the client
    suspended. `attempts`: recorded pushes of the value. `late` compares the delivery time with
    the target, `slo_due_at`. `possibly_shown`: the channel accepted it, or was sent it without an answer on record, and
    it was never read back. `error` is the sentence of `problem`, in the reader's language.
    """

    change_id: UUID
    connection_id: UUID
    channel: str
    record_key: str
    element: str
    dimension: str
    record_type: str
    value: Value
    version: int
    state: str
    attempts: int
    committed_at: datetime
    released_at: datetime
    slo_due_at: datetime
    late: bool
    excluded: timedelta
    channel_paused_at: datetime | None
    accepted_at: datetime | None
    verified_at: datetime | None
    possibly_shown: bool
    read: Value | None
    previous: Value | None
    error: str | None
    problem: StoredMessage | None

    @property
    def is_open(self) -> bool:
        """Whether jobs are under way, so that a page showing the propagation refreshes itself."""
        return self.state in MOVING

    @property
    def is_running(self) -> bool:
        """Whether the clock runs: the value is neither verified nor superseded."""
        return self.state in MOVING or self.state in STOPPED

    @property
    def took(self) -> timedelta | None:
        """Delivery time: from the release to the read-back, without excluded time."""
        return None if self.verified_at is None else self.verified_at - self.released_at - self.excluded

    @property
    def is_paused(self) -> bool:
        """Whether the channel is paused, which stops the delivery clock."""
        return self.is_running and self.channel_paused_at is not None


class AttemptView(msgspec.Struct, frozen=True):
    """One push of one value to one channel. `outcome` is `accepted`, `stale` (the channel has a newer value),
    `refused`, `retry`, `in_progress`, or `unanswered`: no answer was recorded, so the value was possibly shown. `bytes`
    are those of the request, which may have held more values. `read` was read back directly afterwards.
    `detail` is the sentence of `problem`, in the reader's language.
    """

    id: UUID
    connection_id: UUID
    channel: str
    sent: Value
    is_retry: bool
    started_at: datetime
    answered_at: datetime | None
    outcome: str
    status_code: int | None
    detail: str | None
    problem: StoredMessage | None
    retry_after: float | None
    duration_ms: int | None
    bytes: int | None
    read: Value | None
