"""Translation of one payload. Pure; one unreadable part never blocks the others."""

from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from canonical.messages import Message
from connectors.ports import PayloadInvalid, SourceAdapter
from connectors.translation.subscriptions import FailureKind, Origin, TranslationFailure

_log = structlog.get_logger(__name__)
_NOT_A_SOURCE: Final = TranslationFailure(FailureKind.NOT_A_SOURCE)


class TranslatedPayload(msgspec.Struct, frozen=True):
    messages: Sequence[Message] = ()
    failures: Sequence[TranslationFailure] = ()


def translate_payload(source: SourceAdapter | None, body: bytes, origin: Origin) -> TranslatedPayload:
    """Translate a payload. Never raises, for any content of `body`."""
    if source is None:
        return TranslatedPayload(failures=[_NOT_A_SOURCE])
    try:
        return TranslatedPayload(source.translate(body))
    except PayloadInvalid as error:
        parts = [TranslationFailure(FailureKind.UNREADABLE, each.reason, each) for each in error.unreadable]
        return TranslatedPayload(error.messages, parts or [TranslationFailure(FailureKind.UNREADABLE, error.reason)])
    except Exception as error:  # noqa: BLE001 - a fault of the message or the connector must not block other messages
        _log.exception("translate.failed", connection=str(origin.connection_id), event_id=str(origin.event_id))
        return TranslatedPayload(failures=[TranslationFailure(FailureKind.CONNECTOR_FAILED, type(error).__name__)])
