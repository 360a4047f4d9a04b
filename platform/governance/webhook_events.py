"""Events of this room that webhooks carry. Values and keys are those of the API."""

from typing import Final
from uuid import UUID

import msgspec

from canonical.values import Value
from foundation.marks import N_
from webhooks.event_types import WebhookEventType


class ChangePayload(msgspec.Struct, frozen=True):
    """A change of one element of one record. `old` is null for a first value."""

    change_id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    old: Value | None
    new: Value


class PublishedPayload(msgspec.Struct, frozen=True):
    """A value that was read back on a channel: buyers see it."""

    change_id: UUID
    connection_id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    value: Value


class ExceptionPayload(msgspec.Struct, frozen=True):
    """An exception. `severity` is from 0 to 100."""

    exception_id: UUID
    code: str
    severity: int
    record_key: str | None
    element: str | None
    connection_id: UUID | None
    change_id: UUID | None


class ClosedPayload(msgspec.Struct, frozen=True):
    """An exception whose cause is gone, or that a person resolved or discarded."""

    exception_id: UUID
    code: str


CHANGE_EVENTS: Final = {
    "released": WebhookEventType(
        "change.released", N_("Change released"), N_("It is sent to the channels."), ChangePayload
    ),
    "awaiting_approval": WebhookEventType(
        "change.awaiting_approval", N_("Change awaits approval"), N_("A person must answer."), ChangePayload
    ),
    "refused": WebhookEventType(
        "change.refused", N_("Change refused"), N_("Policy does not allow the value."), ChangePayload
    ),
    "declined": WebhookEventType(
        "change.declined", N_("Change declined"), N_("A person did not approve it."), ChangePayload
    ),
    "superseded": WebhookEventType(
        "change.superseded", N_("Change superseded"), N_("A newer value came before the answer."), ChangePayload
    ),
    "expired": WebhookEventType(
        "change.expired", N_("Change expired"), N_("It was not answered in time."), ChangePayload
    ),
}
"""Events by the state of the change."""
CHANGE_PUBLISHED: Final = WebhookEventType(
    "change.published", N_("Change published"), N_("The value was read back on a channel."), PublishedPayload
)
EXCEPTION_OPENED: Final = WebhookEventType(
    "exception.opened", N_("Exception opened"), N_("Something needs attention."), ExceptionPayload
)
EXCEPTION_CLOSED: Final = WebhookEventType(
    "exception.closed", N_("Exception closed"), N_("Its cause is gone, or a person has closed it."), ClosedPayload
)
WEBHOOK_EVENTS: Final = (*CHANGE_EVENTS.values(), CHANGE_PUBLISHED, EXCEPTION_OPENED, EXCEPTION_CLOSED)
