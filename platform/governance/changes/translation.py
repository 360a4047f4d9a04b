"""From a source's payload to observations. One value that cannot be read never holds back its neighbours."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import structlog

from canonical.messages import Observation
from connectors.ports import PayloadInvalid, SourceAdapter, Unreadable
from foundation.text import clean_foreign_text
from governance.exceptions.defaults import DEFAULT_CORRECTION_MS
from governance.exceptions.rows import NewException
from governance.labels import name_subject
from governance.records.validation import admit, is_admissible_key, quote_value

_log = structlog.get_logger(__name__)
QUARANTINED: Final = "source.quarantined"


class Origin(msgspec.Struct, frozen=True):
    """The stored message an observation comes from."""

    event_id: UUID
    connection_id: UUID
    received_at: datetime
    correlation: str


@dataclass(slots=True)
class Translated:
    """`observations` as the source dated them, beside what is `admitted`, in the same order. `unreadable`: the values
    that could not be read, where it is known which; each has its exception.
    """

    observations: list[Observation] = field(default_factory=list)
    admitted: list[Observation] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def refuse(self, origin: Origin, seen: Observation, reason: str) -> None:
        """Put aside what cannot be admitted: as one value where its record can be named, else as the message."""
        if not is_admissible_key(seen.record_key):
            self.exceptions.append(quarantine(origin, reason))
            return
        odd = Unreadable(seen.record_key, seen.element, f"The source says {quote_value(seen.value)}. {reason}")
        self.unreadable.append(odd)
        self.exceptions.append(unreadable_value(origin, odd.record_key, odd.element, odd.reason))


def translate_payload(source: SourceAdapter | None, body: bytes, origin: Origin) -> Translated:
    """Never raises for what `body` holds."""
    made = Translated()
    if source is None:
        made.exceptions = [quarantine(origin, "This kind of connection does not report values.")]
        return made
    found: list[Observation] = []
    try:
        found = source.translate(body)
    except PayloadInvalid as error:
        found, made.unreadable = list(error.observations), list(error.unreadable)
        made.exceptions = [
            unreadable_value(origin, each.record_key, each.element, each.reason) for each in error.unreadable
        ] or [quarantine(origin, str(error))]
    except Exception as error:  # noqa: BLE001 - the message's fault or the connector's: neighbours go on
        _log.exception("translate.failed", connection=str(origin.connection_id), event_id=str(origin.event_id))
        made.exceptions = [quarantine(origin, f"The connector could not read it ({type(error).__name__}).")]
    for seen in found:
        try:
            admitted = admit(seen, received_at=origin.received_at)
        except PayloadInvalid as error:
            made.refuse(origin, seen, str(error))
            continue
        made.observations.append(seen)
        made.admitted.append(admitted)
    return made


def unreadable_subject(connection_id: UUID, record_key: str, element: str) -> str:
    return f"{connection_id}:{record_key}:{element}"


def unreadable_value(origin: Origin, record_key: str, element: str, reason: str) -> NewException:
    """One per value, however often it comes: corrected by itself when it comes in a form that can be read."""
    key = clean_foreign_text(record_key)[:200]
    return NewException(
        code=QUARANTINED,
        subject=unreadable_subject(origin.connection_id, key, element[:200]),
        title="A value could not be read exactly",
        detail=f"{name_subject(element, key)} was not taken over: {clean_foreign_text(reason)[:1000]} The message was "
        "kept as it came, and nothing was rounded. Correct it in the source of truth.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        record_key=key,
        element=clean_foreign_text(element)[:200],
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def quarantine(origin: Origin, reason: str) -> NewException:
    reason = clean_foreign_text(reason)[:1000]
    return NewException(
        code=QUARANTINED,
        subject=str(origin.event_id),
        title="A message could not be read",
        detail=f"{reason} The message was kept as it came. Mend the sender or the mapping, then replay it.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )
