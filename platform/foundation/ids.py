"""Identifiers. UUIDv7 (RFC 9562 §5.7), so that keys of one tenant cluster by time."""

from collections.abc import Callable
from uuid import UUID

from uuid_utils.compat import uuid7

NewId = Callable[[], UUID]


def new_id() -> UUID:
    return uuid7()
