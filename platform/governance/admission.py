"""What an observation must be to be planned. One that is not is put aside with its message, never with its batch."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from canonical.elements import Observation
from connectors.port import PayloadInvalid

_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 200
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


def admit(seen: Observation, *, received_at: datetime) -> Observation:
    """As it is, but never committed after it was received: a sender's clock that runs ahead must not stop ours.

    Raises:
        PayloadInvalid: it cannot be kept, or says what cannot be.
    """
    if not 0 < len(seen.record_key) <= _LONGEST or "\x00" in seen.record_key:
        raise PayloadInvalid(f"A record's key has 1 to {_LONGEST} characters, none of them NUL.")
    subject = f"{seen.element} of {seen.record_key}"
    if not -_LARGEST <= seen.value.amount <= _LARGEST or not 0 <= seen.source_version <= _LARGEST:
        raise PayloadInvalid(f"{subject} came with a number that is too large to be kept.")
    if seen.committed_at.tzinfo is None or seen.committed_at < _EARLIEST:
        raise PayloadInvalid(f"{subject} came with a time of {seen.committed_at.isoformat()}, which cannot be.")
    if seen.committed_at <= received_at:
        return seen
    return msgspec.structs.replace(seen, committed_at=received_at)
