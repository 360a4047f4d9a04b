"""Exceptions that planning raises about observations of a source."""

from datetime import datetime, timedelta
from typing import Final

from canonical.messages import Observation
from connectors.translation.subscriptions import Origin
from governance.elements.rows import Contract, Observed
from governance.exception_types import ExceptionType
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""Clock differences between two systems below this are normal and not reported."""


def stale_value(item: Observed, contract: Contract) -> NewException:
    seen = item.observation
    return NewException(
        code=ExceptionType.SOURCE_STALE,
        subject=f"{item.connection_id}:{seen.key.joined(':')}",
        message=messages.SOURCE_STALE.fill(**about(seen.key), value=seen.value, version=seen.source_version),
        correction_slo_ms=contract.correction_slo_ms,
        key=seen.key,
        connection_id=item.connection_id,
        source_event_id=item.source_event_id,
        correlation=item.correlation,
    )


def is_dated_ahead(seen: Observation, received_at: datetime) -> bool:
    """Whether the commit time is after the receipt, beyond the tolerance."""
    return seen.committed_at - received_at > _CLOCK_TOLERANCE


def clock_ahead(origin: Origin, seen: Observation) -> NewException:
    """One exception per connection: a clock that runs ahead affects every record."""
    return NewException(
        code=ExceptionType.SOURCE_CLOCK_AHEAD,
        subject=str(origin.connection_id),
        message=messages.SOURCE_CLOCK_AHEAD.fill(
            **about(seen.key), dated_at=seen.committed_at, read_at=origin.received_at
        ),
        connection_id=origin.connection_id,
        correlation=origin.correlation,
    )


def contract_missing(item: Observed, *, partly: bool) -> NewException:
    """Exception about a missing contract, one per connection and element; the observations are held
    (`governance.elements.held_observations`). `partly`: contracts of the element select other records.
    """
    element = item.observation.element
    return NewException(
        code=ExceptionType.CONTRACT_MISSING,
        subject=f"{item.connection_id}:{element}",
        message=(messages.CONTRACT_MISSING_PARTLY if partly else messages.CONTRACT_MISSING).fill(element=element),
        element=element,
        connection_id=item.connection_id,
        correlation=item.correlation,
    )
