"""Row structs of exceptions."""

from uuid import UUID

import msgspec

from foundation.i18n.messages import StoredMessage
from governance.exception_types import ExceptionType


class NewException(msgspec.Struct, frozen=True):
    """An exception to open. Repeats with the same `subject` are counted on one row. Severity is computed on opening
    (`governance.exceptions.severity`). Without `correction_slo_ms`, the type's own time applies.
    """

    code: ExceptionType
    subject: str
    message: StoredMessage
    correction_slo_ms: int | None = None
    exposure_minor: int = 0
    channels: int = 0
    record_key: str | None = None
    element: str | None = None
    connection_id: UUID | None = None
    change_id: UUID | None = None
    source_event_id: UUID | None = None
    correlation: str = ""
