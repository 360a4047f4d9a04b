"""Translation of a source's payload to observations. One unreadable value never blocks the others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from canonical.keys import ElementKey
from canonical.messages import Observation
from connectors.ports import PayloadInvalid, SourceAdapter, Unreadable
from foundation.i18n.messages import StoredMessage
from foundation.text import clean_foreign_text
from governance.elements.contracts import Contracts
from governance.elements.rows import Observed
from governance.exception_types import ExceptionType
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.messages import reasons
from governance.messages.parameters import about
from governance.records.validation import admit, find_trouble, is_admissible_key, quote_value

_log = structlog.get_logger(__name__)


class Origin(msgspec.Struct, frozen=True):
    """The stored source event of an observation."""

    event_id: UUID
    connection_id: UUID
    received_at: datetime
    correlation: str


@dataclass(slots=True)
class Translated:
    """Result of a translation. `observations` are as dated by the source; `admitted` are the accepted ones, in the same
    order. `unreadable`: the unreadable values that could be identified, each with an exception.
    """

    observations: list[Observation] = field(default_factory=list)
    admitted: list[Observation] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def refuse(self, origin: Origin, seen: Observation, reason: str) -> None:
        """Reject an observation: as one value if its record can be identified, else as the message."""
        if not is_admissible_key(seen.record_key):
            self.exceptions.append(quarantine(origin, reason))
            return
        odd = Unreadable(
            seen.record_key, seen.element, f"The source says {quote_value(seen.value)}. {reason}", seen.dimension,
            seen.record_type,
        )  # fmt: skip
        self.unreadable.append(odd)
        self.exceptions.append(unreadable_value(origin, odd.key, odd.reason))


def translate_payload(source: SourceAdapter | None, body: bytes, origin: Origin) -> Translated:
    """Translate a payload. Never raises, whatever the content of `body`."""
    made = Translated()
    if source is None:
        made.exceptions = [quarantine(origin, reasons.NOT_A_SOURCE.fill())]
        return made
    found: list[Observation] = []
    try:
        found = source.translate(body)
    except PayloadInvalid as error:
        found, made.unreadable = list(error.observations), list(error.unreadable)
        made.exceptions = [unreadable_value(origin, each.key, each.reason) for each in error.unreadable] or [
            quarantine(origin, str(error))
        ]
    except Exception as error:  # noqa: BLE001 - a fault of the message or the connector must not block other messages
        _log.exception("translate.failed", connection=str(origin.connection_id), event_id=str(origin.event_id))
        made.exceptions = [quarantine(origin, reasons.CONNECTOR_FAILED.fill(error=type(error).__name__))]
    for seen in found:
        try:
            admitted = admit(seen, received_at=origin.received_at)
        except PayloadInvalid as error:
            made.refuse(origin, seen, str(error))
            continue
        made.observations.append(seen)
        made.admitted.append(admitted)
    return made


def unreadable_subject(connection_id: UUID, key: ElementKey) -> str:
    return f"{connection_id}:{key.joined(':')}"


def unreadable_value(origin: Origin, key: ElementKey, reason: str) -> NewException:
    """One exception per value, however often it repeats; resolved automatically once the value can be read."""
    key = ElementKey(*(clean_foreign_text(part)[:200] for part in key))
    return NewException(
        code=ExceptionType.SOURCE_QUARANTINED,
        subject=unreadable_subject(origin.connection_id, key),
        message=messages.VALUE_QUARANTINED.fill(**about(key), reason=reason[:1000]),
        key=key,
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def quarantine(origin: Origin, reason: str | StoredMessage) -> NewException:
    return NewException(
        code=ExceptionType.SOURCE_QUARANTINED,
        subject=str(origin.event_id),
        message=messages.MESSAGE_QUARANTINED.fill(reason=reason[:1000] if isinstance(reason, str) else reason),
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def divide_misfits(observed: Sequence[Observed], contracts: Contracts) -> tuple[list[Observed], list[NewException]]:
    """The observations without those that do not fit the declaration of their custom element, and an exception each."""
    fitting, found = list[Observed](), list[NewException]()
    for item in observed:
        seen, contract = item.observation, contracts.find(item.observation.key)
        trouble = ""
        if contract is not None and contract.declared is not None:
            trouble = find_trouble(seen.key, seen.value, contract.declared)
        if not trouble:
            fitting.append(item)
            continue
        origin = Origin(item.source_event_id, item.connection_id, seen.committed_at, item.correlation)
        found.append(unreadable_value(origin, seen.key, f"The source says {quote_value(seen.value)}: {trouble}."))
    return fitting, found
