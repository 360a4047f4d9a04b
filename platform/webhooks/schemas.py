"""Structs of webhooks for pages, the API and commands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from webhooks.states import AttemptOutcome, DeliveryState, EndpointState

LONGEST_URL = 2000
LONGEST_DESCRIPTION = 200
_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_URL)]
_Description = Annotated[str, msgspec.Meta(max_length=LONGEST_DESCRIPTION)]
_EventTypes = Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]


class WebhookEndpointInput(RequestBody, frozen=True):
    """A new endpoint. `event_types` are names of GET …/webhook-event-types."""

    url: _Url
    event_types: _EventTypes
    description: _Description = ""


class WebhookEndpointChanges(RequestBody, frozen=True):
    """Changes of an endpoint; null keeps a setting."""

    url: _Url | None = None
    event_types: _EventTypes | None = None
    description: _Description | None = None


class WebhookReplay(RequestBody, frozen=True):
    """Events to send again: those of the period from `since` to `until`, of some states, or all finished ones."""

    since: datetime
    until: datetime
    states: Sequence[DeliveryState] = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED)


class WebhookReplayResult(msgspec.Struct, frozen=True):
    """Number of events that will be sent again."""

    replayed: int


class WebhookEndpointView(msgspec.Struct, frozen=True):
    """An endpoint without its secret. `pending` counts events not yet delivered. After a rotation, the previous secret
    signs until `previous_secret_until`.
    """

    id: UUID
    url: str
    description: str
    event_types: Sequence[str]
    state: EndpointState
    paused_for: str | None
    paused_at: datetime | None
    paused_by: str | None
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    revision: int
    created_at: datetime
    created_by: str
    pending: int
    previous_secret_until: datetime | None


class NewWebhookEndpointView(msgspec.Struct, frozen=True):
    """`secret` is contained in this response only. Configure it at the receiver."""

    endpoint: WebhookEndpointView
    secret: str


class WebhookSecretView(msgspec.Struct, frozen=True):
    """`secret` is contained in this response only. Until `previous_until` both secrets sign."""

    secret: str
    previous_until: datetime


class WebhookEventTypeView(msgspec.Struct, frozen=True):
    """A type of event. `schema` is the JSON Schema of the event's `data`."""

    name: str
    label: str
    about: str
    schema: dict[str, Any]


class WebhookEventTypeList(msgspec.Struct, frozen=True):
    items: Sequence[WebhookEventTypeView]


class WebhookDeliveryView(msgspec.Struct, frozen=True):
    """An event for an endpoint. `message_id` is the header webhook-id; a replay has that of its original."""

    id: UUID
    message_id: str
    event_type: str
    source: str
    subject: str
    event_at: datetime
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    finished_at: datetime | None
    is_replay: bool
    status_code: int | None
    outcome: AttemptOutcome | None


class WebhookAttemptView(msgspec.Struct, frozen=True):
    """A request. `response` is the beginning of the answer's body."""

    number: int
    at: datetime
    duration_ms: int
    outcome: AttemptOutcome
    status_code: int | None
    response: str


class WebhookDeliveryDetail(msgspec.Struct, frozen=True):
    """A delivery with its request body and its attempts, the latest first."""

    delivery: WebhookDeliveryView
    body: dict[str, Any]
    attempts: Sequence[WebhookAttemptView]
