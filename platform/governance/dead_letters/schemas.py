"""Structs of dead letters for pages and the API."""

from datetime import datetime
from uuid import UUID

import msgspec

from foundation.i18n.messages import StoredMessage


class DeadLetterView(msgspec.Struct, frozen=True):
    """A job that failed for good. `error` is the sentence of `problem`, in the reader's language."""

    id: UUID
    kind: str
    lane: str
    key: str
    attempts: int
    error: str
    problem: StoredMessage
    enqueued_at: datetime
    died_at: datetime
    state: str
    closed_at: datetime | None
    closed_by: str | None
    correlation: str
