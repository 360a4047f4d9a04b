"""Row structs of exceptions."""

from uuid import UUID

import msgspec

from canonical.keys import PRODUCT, ElementKey
from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from governance.exception_types import ExceptionType


class Exposure(msgspec.Struct, frozen=True):
    """The difference that an exception is about: the expected value, and the value beside it, if there is one."""

    old: Value | None
    new: Value | None


class NewException(msgspec.Struct, frozen=True):
    """An exception to open. Repeats with the same `subject` are counted on one row. Severity is computed on opening
    (`governance.exceptions.severity`). Without `correction_slo_ms`, the type's own time applies. `key` where one value
    is meant; else `record_key`, of a record of `record_type`, or `element` where known.
    """

    code: ExceptionType
    subject: str
    message: StoredMessage
    correction_slo_ms: int | None = None
    exposure: Exposure | None = None
    channels: int = 0
    key: ElementKey | None = None
    record_key: str | None = None
    element: str | None = None
    record_type: str = PRODUCT
    connection_id: UUID | None = None
    change_id: UUID | None = None
    source_event_id: UUID | None = None
    correlation: str = ""
