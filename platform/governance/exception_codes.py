"""Exception codes shared by several slices."""

from typing import Final
from uuid import UUID

CHANNEL_DRIFT: Final = "channel.drift"
_SENT: Final = (CHANNEL_DRIFT, "approval.stale")


def is_of_channel(code: str, change_id: UUID | None, connection_id: UUID | None, source_event_id: UUID | None) -> bool:
    """Whether the value can be sent again: not yet verified on a channel, or verified and lost again."""
    if change_id is None or connection_id is None:
        return False
    return code.startswith("propagation.") or (code in _SENT and source_event_id is None)
