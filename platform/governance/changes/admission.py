"""Admission of observations, and exceptions for the rejected parts of a source event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.messages import Observation
from connectors.messages import SOURCE_REPORTS
from connectors.ports import PayloadInvalid, SourceAdapter, Unreadable
from connectors.translation.subscriptions import FailureKind, MessageHandler, Origin, Received, TranslationFailure
from connectors.translation.translate import translate_payload
from foundation.i18n.messages import NOTHING, MessageText, StoredMessage
from foundation.text import clean_foreign_text
from governance.elements.contracts import Contracts
from governance.elements.rows import Observed
from governance.elements.value_rules import find_rule_trouble
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.messages import reasons
from governance.messages.parameters import about
from governance.records.validation import admit, find_trouble, is_admissible_key, quote_value
from governance.services import GovernanceServices


@dataclass(slots=True)
class Admitted:
    """Admitted observations. `dated`: the same observations with the source's own times. `unreadable`: values that
    cannot be stored but could be identified, each with an exception.
    """

    dated: list[Observation] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def refuse(self, origin: Origin, seen: Observation, reason: str) -> None:
        """Reject an observation: as one value if its record can be identified, else as the message."""
        if not is_admissible_key(seen.record_key):
            self.exceptions.append(_quarantine(origin, reason))
            return
        why = SOURCE_REPORTS.write(value=quote_value(seen.value), reason=reason)
        odd = Unreadable(seen.record_key, seen.element, why, seen.dimension, seen.record_type)
        self.unreadable.append(odd)
        self.exceptions.append(unreadable_value(origin, odd.key, odd.reason))


def admit_observations(origin: Origin, found: Sequence[Observation]) -> Admitted:
    """Divide observations into those that can be stored and the others. Never raises."""
    made = Admitted()
    for seen in found:
        try:
            admitted = admit(seen, received_at=origin.received_at)
        except PayloadInvalid as error:
            made.refuse(origin, seen, error.reason)
            continue
        made.dated.append(seen)
        made.observations.append(admitted)
    return made


def translate_observations(source: SourceAdapter | None, body: bytes, origin: Origin) -> Admitted:
    """The observations of a payload. Never raises, for any content of `body`."""
    found = translate_payload(source, body, origin)
    made = admit_observations(origin, [one for one in found.messages if isinstance(one, Observation)])
    made.unreadable[:0] = [failure.value for failure in found.failures if failure.value is not None]
    made.exceptions[:0] = [_exception_of(origin, failure) for failure in found.failures]
    return made


def failure_reader(services: GovernanceServices) -> MessageHandler[TranslationFailure]:
    """Handler that opens an exception for each translation failure."""

    async def read(session: AsyncSession, received: Sequence[Received[TranslationFailure]]) -> None:
        found = [_exception_of(each.origin, failure) for each in received for failure in each.messages]
        await open_exceptions(session, found, now=services.clock(), new_id=services.new_id)

    return read


def _exception_of(origin: Origin, failure: TranslationFailure) -> NewException:
    match failure:
        case TranslationFailure(value=Unreadable() as value):
            return unreadable_value(origin, value.key, value.reason)
        case TranslationFailure(kind=FailureKind.ID_CONFLICT):
            return _reused(origin)
        case TranslationFailure(kind=FailureKind.NOT_A_SOURCE):
            return _quarantine(origin, reasons.NOT_A_SOURCE.fill())
        case TranslationFailure(kind=FailureKind.CONNECTOR_FAILED):
            return _quarantine(origin, reasons.CONNECTOR_FAILED.fill(error=failure.detail))
    return _quarantine(origin, failure.detail)


def _reused(origin: Origin) -> NewException:
    return NewException(
        code=ExceptionType.SOURCE_ID_CONFLICT,
        subject=str(origin.event_id),
        message=messages.SOURCE_ID_CONFLICT.fill(),
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def unreadable_subject(connection_id: UUID, key: ElementKey) -> str:
    return f"{connection_id}:{key.joined(':')}"


def unreadable_value(origin: Origin, key: ElementKey, reason: str) -> NewException:
    """One exception per value, however often it repeats; resolved automatically once the value can be read."""
    key = ElementKey(*(clean_foreign_text(part)[:200] for part in key))
    return NewException(
        code=ExceptionType.SOURCE_QUARANTINED,
        subject=unreadable_subject(origin.connection_id, key),
        message=messages.VALUE_QUARANTINED.fill(**about(key), reason=_bounded(reason)),
        key=key,
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def _quarantine(origin: Origin, reason: str | StoredMessage) -> NewException:
    return NewException(
        code=ExceptionType.SOURCE_QUARANTINED,
        subject=str(origin.event_id),
        message=messages.MESSAGE_QUARANTINED.fill(reason=_bounded(reason)),
        connection_id=origin.connection_id,
        source_event_id=origin.event_id,
        correlation=origin.correlation,
    )


def _bounded(reason: str | StoredMessage) -> str | StoredMessage:
    return reason[:1000] if isinstance(reason, str) and not isinstance(reason, MessageText) else reason


def divide_misfits(observed: Sequence[Observed], contracts: Contracts) -> tuple[list[Observed], list[NewException]]:
    """Return the observations that fit their element, and an exception for each of the others."""
    fitting, found = list[Observed](), list[NewException]()
    for item in observed:
        seen, why = item.observation, find_misfit(item, contracts)
        if not why:
            fitting.append(item)
            continue
        origin = Origin(item.source_event_id, item.connection_id, seen.committed_at, item.correlation)
        found.append(unreadable_value(origin, seen.key, why))
    return fitting, found


def find_misfit(item: Observed, contracts: Contracts) -> MessageText:
    """Return the reason why the value does not fit the declaration of its custom element, or breaks a rule of its
    contract; empty if neither. The contract's rules apply only to values of the source of truth.
    """
    seen, contract = item.observation, contracts.find(item.observation.key)
    if contract is None:
        return NOTHING
    trouble = NOTHING if contract.declared is None else find_trouble(seen.key, seen.value, contract.declared)
    if not trouble and contract.source_connection_id == item.connection_id:
        trouble = find_rule_trouble(seen.value, contract.rules, contract.version)
    return reasons.SOURCE_REPORTS_REASON.write(value=quote_value(seen.value), reason=trouble) if trouble else NOTHING
