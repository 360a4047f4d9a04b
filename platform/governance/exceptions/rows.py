"""Exceptions as plain values."""

from uuid import UUID

import msgspec


class NewException(msgspec.Struct, frozen=True):
    """`subject` makes repeats one exception. Severity is computed when it is opened
    (`governance.exceptions.severity`).
    """

    code: str
    subject: str
    title: str
    detail: str
    correction_slo_ms: int
    exposure_minor: int = 0
    channels: int = 0
    record_key: str | None = None
    element: str | None = None
    connection_id: UUID | None = None
    change_id: UUID | None = None
    source_event_id: UUID | None = None
    correlation: str = ""
