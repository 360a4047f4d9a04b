"""A partner's channel as its page and the API show it."""

from datetime import datetime

import msgspec

from canonical.values import Value


class ChannelValueView(msgspec.Struct, frozen=True):
    """What a channel was last seen to show."""

    channel: str
    record_key: str
    element: str
    value: Value
    seen_at: datetime
