"""Bodies of the API of notifications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody


class NotificationView(msgspec.Struct, frozen=True):
    """A notification of the caller. `number` counts causes that are not read; `href` is the page that shows them."""

    id: UUID
    kind: str
    severity: str
    text: str
    account: str
    number: int
    href: str
    happened_at: datetime
    read_at: datetime | None


class NotificationSettings(RequestBody, frozen=True):
    """Kinds that the member has muted, by code, and the least severity of notifications."""

    muted: list[str]
    least_severity: Literal["info", "warning", "critical"] = "info"


class ReadView(msgspec.Struct, frozen=True):
    """How many notifications were marked as read."""

    read: int


class KindView(msgspec.Struct, frozen=True):
    code: str
    label: str
    severity: str
    muted: bool


class SettingsView(msgspec.Struct, frozen=True):
    least_severity: str
    kinds: Sequence[KindView]
