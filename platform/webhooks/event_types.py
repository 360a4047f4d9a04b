"""Types of webhook events, declared once in the room that emits them, with payload and label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from foundation.marks import N_

E = TypeVar("E", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class WebhookEventType(Generic[E]):
    """A type of event as receivers see it. `name` is `<noun>.<past participle>`, `label` its display name, `about` the
    occasion on which it is sent. A published payload may only gain optional fields.
    """

    name: str
    label: str
    about: str
    payload: type[E]


class ConnectionPayload(msgspec.Struct, frozen=True):
    """The connection that was paused, was resumed, began to fail, or recovered."""

    connection_id: UUID
    name: str


class NotificationPayload(msgspec.Struct, frozen=True):
    """A notification to a member. `account` is the name of the client where it happened, for members of the MSP;
    `number` counts causes; `path` is the page to open on the portal.
    """

    member_id: UUID
    kind: str
    severity: str
    account: str
    number: int
    path: str


class TestPayload(msgspec.Struct, frozen=True):
    """Content of a test event."""

    text: str


CONNECTION_PAUSED: Final = WebhookEventType(
    "connection.paused",
    N_("Connection paused"),
    N_("Nothing is exchanged with the system until it is resumed."),
    ConnectionPayload,
)
CONNECTION_RESUMED: Final = WebhookEventType(
    "connection.resumed", N_("Connection resumed"), N_("Data is exchanged with the system again."), ConnectionPayload
)
CONNECTION_FAILING: Final = WebhookEventType(
    "connection.failing",
    N_("Connection failing"),
    N_("The first failure after a success. Short failures are usual."),
    ConnectionPayload,
)
CONNECTION_RECOVERED: Final = WebhookEventType(
    "connection.recovered", N_("Connection recovered"), N_("The first success after a failure."), ConnectionPayload
)
NOTIFICATION_SENT: Final = WebhookEventType(
    "notification.sent",
    N_("Notification sent"),
    N_("A member gets a notification of a kind that they have chosen for webhooks."),
    NotificationPayload,
)
TEST: Final = WebhookEventType(
    "webhook.test", N_("Test event"), N_("Sent to one endpoint, when a person asks for it."), TestPayload
)
OF_CONNECTIONS: Final = (CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED)


def by_name(declared: Iterable[WebhookEventType[Any]]) -> Mapping[str, WebhookEventType[Any]]:
    """Types by name, sorted. Raises ValueError for a name that is declared twice."""
    found: dict[str, WebhookEventType[Any]] = {}
    for one in sorted(declared, key=lambda each: each.name):
        if found.setdefault(one.name, one) is not one:
            raise ValueError(f"{one.name} is declared twice")
    return found
