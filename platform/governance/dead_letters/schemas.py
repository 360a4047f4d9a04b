"""Structs of dead letters for pages and the API."""

from collections.abc import Sequence
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


class DeadLetterPage(msgspec.Struct, frozen=True):
    items: Sequence[DeadLetterView]
    next_cursor: UUID | None = None
