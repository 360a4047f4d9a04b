"""Structs of a partner's channels for pages and the API."""

from datetime import datetime

import msgspec

from canonical.values import Value


class ChannelValueView(msgspec.Struct, frozen=True):
    """The value last read on a channel."""

    channel: str
    record_key: str
    element: str
    dimension: str
    record_type: str
    value: Value
    seen_at: datetime
