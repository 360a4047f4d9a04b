"""Structs of unclaimed messages for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.reasons import LONGEST_REASON
from foundation.web.requests import RequestBody


class UnclaimedGroup(msgspec.Struct, frozen=True):
    """Kept messages of one connection and type, in `events` source events. `reference` is the newest one's, such as the
    number of a shipment. `can_replay`: a room processes the type by now.
    """

    connection_id: UUID
    connection: str
    message_type: str
    messages: int
    events: int
    oldest_at: datetime
    newest_at: datetime
    reference: str
    can_replay: bool


class UnclaimedList(msgspec.Struct, frozen=True):
    items: Sequence[UnclaimedGroup]


class ReplayInput(RequestBody, frozen=True):
    """The kept messages of `connection_id` and `message_type`, such as shipment.v1."""

    connection_id: UUID
    message_type: str


class DiscardMessagesInput(RequestBody, frozen=True):
    """As `ReplayInput`, with the reason why the messages are not needed."""

    connection_id: UUID
    message_type: str
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]


class DiscardedMessages(msgspec.Struct, frozen=True):
    discarded: int
