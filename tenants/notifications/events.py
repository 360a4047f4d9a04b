"""Domain events of this slice. The subject is the member."""

from typing import Final

import msgspec

from foundation.events import EventType


class SentNotification(msgspec.Struct, frozen=True):
    """`account` is the name of the client where it happened, for members of the MSP. `path` is the page to open."""

    kind: str
    severity: str
    account: str
    number: int
    path: str


NOTIFICATION_SENT: Final = EventType("notification.sent", "A member was notified", SentNotification)
"""Published for members whose settings send the kind to webhooks."""
EVENTS: Final = (NOTIFICATION_SENT,)
