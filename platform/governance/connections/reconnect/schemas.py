"""Structs of reconnect links."""

from datetime import datetime

import msgspec


class ReconnectLinkView(msgspec.Struct, frozen=True):
    """A link that is still valid. Its text is not kept."""

    created_at: datetime
    created_by: str
    expires_at: datetime


class NewReconnectLink(msgspec.Struct, frozen=True):
    """A new link, shown only once. With it, anybody can enter new credentials of the connection until `expires_at`."""

    link: str
    created_at: datetime
    expires_at: datetime
