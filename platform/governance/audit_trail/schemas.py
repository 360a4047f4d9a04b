"""Structs of audit entries for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec


class AuditEntryView(msgspec.Struct, frozen=True):
    """One entry of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: dict[str, Any]
    correlation: str

    @property
    def data_text(self) -> str:
        """`data` in one line."""
        parts = ((name, value) for name, value in self.data.items() if value not in (None, "", [], {}))
        return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in parts)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class EntryGroup(msgspec.Struct, frozen=True):
    """Entries, newest first. `subject` is that of the change, empty for other groups; `total` counts all entries."""

    entries: Sequence[AuditEntryView]
    total: int
    subject: str = ""


class GroupPage(msgspec.Struct, frozen=True):
    items: Sequence[EntryGroup]
    next_place: str = ""
