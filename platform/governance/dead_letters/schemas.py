"""Structs of dead letters for pages and the API."""

from datetime import datetime
from uuid import UUID

import msgspec


class DeadLetterView(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    lane: str
    key: str
    attempts: int
    error: str
    enqueued_at: datetime
    died_at: datetime
    state: str
    closed_at: datetime | None
    closed_by: str | None
    correlation: str
