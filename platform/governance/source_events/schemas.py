"""Structs of source events."""

from datetime import datetime
from uuid import UUID

import msgspec


class SourceEventRow(msgspec.Struct, frozen=True):
    """A received message, without its body. `via`: webhook, poll or baseline."""

    id: UUID
    connection_id: UUID
    connection: str
    content_type: str
    via: str
    received_at: datetime
    correlation: str
    size: int
