"""Subscriptions of rooms to canonical messages, and the messages that their handlers receive."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.messages import MESSAGE_TYPES, Message, message_type_of
from connectors.ports import Unreadable
from foundation.rooms import AppServices

M = TypeVar("M", bound=msgspec.Struct)


class Origin(msgspec.Struct, frozen=True):
    """The stored source event of messages. `any_version` as in `TranslateEvents`."""

    event_id: UUID
    connection_id: UUID
    received_at: datetime
    correlation: str
    via: str = ""
    any_version: str | None = None


class Received(msgspec.Struct, Generic[M], frozen=True):
    """Messages of one type from one source event, in their order."""

    origin: Origin
    messages: Sequence[M]


class FailureKind(StrEnum):
    UNREADABLE = "unreadable"  # `detail` is the reason, `value` the unreadable value, if it is a single one
    NOT_A_SOURCE = "not_a_source"
    CONNECTOR_FAILED = "connector_failed"  # `detail` is the name of the error
    ID_CONFLICT = "id_conflict"  # see `connectors.webhooks.writer.StoredEvent`


class TranslationFailure(msgspec.Struct, frozen=True):
    """A part of a source event that could not be translated; its bytes stay stored."""

    kind: FailureKind
    detail: str = ""
    value: Unreadable | None = None


class UnclaimedMessages(msgspec.Struct, frozen=True):
    """Messages of one type and connection, which no room reads. `stored` is their number now, counted up to
    `connectors.translation.repository.MANY`; 0 when all have been delivered or discarded.
    """

    message_type: str
    stored: int


MessageHandler = Callable[[AsyncSession, Sequence[Received[M]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MessageSubscription(Generic[M]):
    """A handler of all messages of one type: a canonical message, `TranslationFailure` or `UnclaimedMessages`.

    The handler gets the messages of a whole batch of source events in one call, in the transaction that completes their
    jobs, so its writes are committed once per translation. An event is translated again when a person replays it:
    `message_id` identifies a repeated message. A handler whose work is long, or may fail, enqueues a job, because an
    error rolls the batch back for all subscribers.
    """

    message_type: type[M]
    handle: MessageHandler[M]


class MessageRouter:
    """The subscriptions of all rooms by type; several rooms may subscribe to one. They are called in the rooms' order.

    Raises ValueError for a subscription to a type that connectors do not deliver.
    """

    def __init__(self, subscriptions: Iterable[MessageSubscription[Any]]) -> None:
        self.handlers: dict[type, list[MessageHandler[Any]]] = {}
        for each in subscriptions:
            if each.message_type not in {*MESSAGE_TYPES, TranslationFailure, UnclaimedMessages}:
                raise ValueError(f"{each.message_type.__name__} is not a type of message that connectors deliver")
            self.handlers.setdefault(each.message_type, []).append(each.handle)

    def reads(self, message_type: type[msgspec.Struct]) -> bool:
        """Whether any room subscribes to the type."""
        return message_type in self.handlers

    def reads_code(self, code: str) -> bool:
        """As `reads`, by the type's code. No room reads a type of another release."""
        message_type = message_type_of(code)
        return message_type is not None and self.reads(message_type)

    async def deliver(self, session: AsyncSession, received: Mapping[type[M], Sequence[Received[M]]]) -> None:
        """Call the subscribers, one after the other, in the order of `received`."""
        for message_type, items in received.items():
            for handle in self.handlers.get(message_type, ()):
                await handle(session, items)


def build_router(services: AppServices) -> MessageRouter:
    """The router of every room's subscriptions."""
    return MessageRouter(services.rooms.built(lambda room: room.message_subscriptions, services))


def message_id(origin: Origin, message: Message) -> UUID:
    """Identity of a message: the same when its event is translated again with the same result."""
    return uuid5(origin.event_id, msgspec.json.encode(message).decode())
