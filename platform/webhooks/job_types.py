"""Jobs of this room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_
from tenants.notifications.events import SentNotification


class EmittedEvent(msgspec.Struct, frozen=True):
    """An event in the payload of a job."""

    id: UUID
    type: str
    source: str
    subject: str
    at: datetime
    data: Any


class ForwardEvents(msgspec.Struct, frozen=True):
    """Events of a client for its MSP's endpoints."""

    events: Sequence[EmittedEvent]


class RelayConnectionEvent(msgspec.Struct, frozen=True):
    """A domain event about a connection, by its name."""

    event: str
    at: datetime


class RelayNotification(msgspec.Struct, frozen=True):
    """A domain event about a notification."""

    sent: SentNotification
    at: datetime


SEND_EVENTS: Final = JobType(
    "webhooks.send_events", N_("Send events to a webhook endpoint"), NoPayload, seconds=150.0, retry=ENDLESS
)
FORWARD_EVENTS: Final = JobType("webhooks.forward_events", N_("Forward events to webhooks"), ForwardEvents)
RELAY_CONNECTION_EVENT: Final = JobType(
    "webhooks.relay_connection_event", N_("Send events of connections to webhooks"), RelayConnectionEvent
)
RELAY_NOTIFICATION: Final = JobType(
    "webhooks.relay_notification", N_("Send notifications to webhooks"), RelayNotification
)
JOB_TYPES: Final = (SEND_EVENTS, FORWARD_EVENTS, RELAY_CONNECTION_EVENT, RELAY_NOTIFICATION)
FORWARD_LANE: Final = "webhooks-forward"


def endpoint_lane(endpoint_id: UUID) -> str:
    """Lane of an endpoint. Each has its own, so that a failing endpoint does not delay others."""
    return f"webhook/{endpoint_id}"
