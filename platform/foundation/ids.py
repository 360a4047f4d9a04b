"""Identifiers. UUIDv7 (RFC 9562 §5.7), so that keys of one tenant cluster by time."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

NewId = Callable[[], UUID]


def new_id() -> UUID:
    return uuid7()


def id_floor(at: datetime) -> UUID:
    """Lower bound of the UUIDv7s created at `at` or later: the lower end of a range of time-ordered keys."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def time_of(made: UUID) -> datetime:
    """Creation time of a UUIDv7."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
