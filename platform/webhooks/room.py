"""Parts of this room."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import webhooks.models
from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.events import EventType, Subscription
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, RoleGrant, Room
from tenants.notifications.events import NOTIFICATION_SENT as NOTIFIED
from tenants.secrets import new_secret
from webhooks.audit_actions import WebhookAction
from webhooks.commands import COMMANDS
from webhooks.event_types import NOTIFICATION_SENT, OF_CONNECTIONS, by_name
from webhooks.events import EVENTS
from webhooks.features import WEBHOOK_FEATURE
from webhooks.job_types import (
    FORWARD_EVENTS,
    JOB_TYPES,
    RELAY_CONNECTION_EVENT,
    RELAY_NOTIFICATION,
    SEND_EVENTS,
    RelayConnectionEvent,
    RelayNotification,
)
from webhooks.pages import build_webhook_pages
from webhooks.permissions import WebhookPermission
from webhooks.relay_jobs import forward_handler, relay_connection_events, relay_notifications
from webhooks.routes import build_webhook_routes
from webhooks.secrets import SEALED
from webhooks.send_job import send_handler
from webhooks.services import WebhookServices, with_services
from webhooks.states import EndpointState, PauseReason

RETAINED: Final = (
    DataClass(
        "webhook_deliveries",
        N_("Webhook deliveries"),
        N_("Events sent to webhooks, with the answers of the receivers."),
        (
            RetainedTable("webhook_attempt", "at", by_time=True),
            RetainedTable("webhook_delivery", "created_at", by_time=True),
        ),
        default_days=30,
        least_days=7,
    ),
)
_NEEDS_A_PERSON: Final = (
    "SELECT 1 FROM webhook_endpoint WHERE tenant_id = :t AND deleted_at IS NULL"
    f" AND state = '{EndpointState.PAUSED}' AND paused_for <> '{PauseReason.PERSON}'"
)


def _services(services: AppServices) -> Sequence[object]:
    declared = services.rooms.every(lambda room: room.webhook_events)
    built = WebhookServices(
        services.db, services.vault, services.outbound, services.clock, new_secret, by_name(declared)
    )
    return (built,)


def _jobs(services: WebhookServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(SEND_EVENTS, send_handler(services)),
        JobHandler(FORWARD_EVENTS, forward_handler(services)),
        JobHandler(RELAY_CONNECTION_EVENT, relay_connection_events),
        JobHandler(RELAY_NOTIFICATION, relay_notifications),
    ]


def _relay(event: EventType[Any]) -> Subscription[Any, RelayConnectionEvent]:
    return Subscription(event, RELAY_CONNECTION_EVENT, lambda sent: RelayConnectionEvent(sent.type.name, sent.at))


def _entry(area: NavArea) -> NavEntry:
    """Menu entry, whose badge counts endpoints that the product has paused."""
    return NavEntry(
        area=area,
        section=MenuSection.ACCOUNT,
        position=34,
        label=N_("Webhooks"),
        path="/webhooks",
        icon="activity",
        permission=WebhookPermission.READ,
        badge=_NEEDS_A_PERSON,
        badge_permission=WebhookPermission.READ,
    )


ROOM: Final = Room(
    name="webhooks",
    models=(webhooks.models,),
    services=_services,
    routes=with_services(build_webhook_routes),
    pages=with_services(build_webhook_pages),
    folder=Path(__file__).parent,
    navigation=(_entry(NavArea.MSP), _entry(NavArea.CLIENT)),
    job_types=JOB_TYPES,
    jobs=with_services(_jobs),
    events=EVENTS,
    features=(WEBHOOK_FEATURE,),
    subscriptions=(
        *(_relay(event) for event in (CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED)),
        Subscription(NOTIFIED, RELAY_NOTIFICATION, lambda event: RelayNotification(event.payload, event.at)),
    ),
    webhook_events=(*OF_CONNECTIONS, NOTIFICATION_SENT),
    permissions=(WebhookPermission,),
    audit_actions=(WebhookAction,),
    grants=(
        RoleGrant("client_admin", WebhookPermission.READ),
        RoleGrant("client_admin", WebhookPermission.WRITE),
        RoleGrant("msp_operator", WebhookPermission.READ),
        RoleGrant("msp_admin", WebhookPermission.WRITE),
    ),
    sealed_columns=(SEALED,),
    retained=RETAINED,
    commands=COMMANDS,
)
