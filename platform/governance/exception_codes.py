"""Codes of exceptions that more than one slice asks for."""

from typing import Final
from uuid import UUID

CHANNEL_DRIFT: Final = "channel.drift"
_SENT: Final = (CHANNEL_DRIFT, "approval.stale")


def is_of_channel(code: str, change_id: UUID | None, connection_id: UUID | None, source_event_id: UUID | None) -> bool:
    """Whether it is about a value on its way to a channel, or seen there and lost again: it can be sent again."""
    if change_id is None or connection_id is None:
        return False
    return code.startswith("propagation.") or (code in _SENT and source_event_id is None)
