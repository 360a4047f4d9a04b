"""Jobs that forward events to endpoints: from a client to its MSP, and from domain events."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from webhooks.emit import emit, write_deliveries
from webhooks.event_types import NOTIFICATION_SENT, OF_CONNECTIONS, ConnectionPayload, NotificationPayload
from webhooks.job_types import ForwardEvents, RelayConnectionEvent, RelayNotification
from webhooks.services import WebhookServices

_BY_NAME: Final = {one.name: one for one in OF_CONNECTIONS}
_OWN_ENDPOINTS: Final = text("SELECT id, event_types FROM webhook_endpoint WHERE tenant_id = :t AND deleted_at IS NULL")


def forward_handler(services: WebhookServices) -> Handler[ForwardEvents]:
    """Handler that writes a client's events into the MSP's account. May run twice: an endpoint has each event once."""

    async def forward_events(batch: Batch[ForwardEvents]) -> None:
        async with services.db.transaction(batch.scope.for_tenant(batch.scope.msp_id)) as session:
            found = await session.execute(_OWN_ENDPOINTS, {"t": batch.scope.msp_id})
            endpoints = {row.id: frozenset(row.event_types) for row in found}
            events = [event for item in batch.items for event in item.payload.events]
            await write_deliveries(session, events, endpoints)
        async with batch.commit():
            pass

    return forward_events


async def relay_connection_events(batch: Batch[RelayConnectionEvent]) -> None:
    async with batch.commit() as session:
        ids = {item.ref for item in batch.items if item.ref is not None}
        rows = await session.execute(
            text(f"SELECT c.id, c.name FROM {CONNECTIONS} c WHERE c.tenant_id = :t AND c.id = ANY (:ids)"),
            {"t": scope_of(session).tenant_id, "ids": sorted(ids)},
        )
        names: Mapping[UUID, str] = {row.id: row.name for row in rows}
        for item in batch.items:
            name, event = names.get(item.ref) if item.ref else None, _BY_NAME.get(item.payload.event)
            if item.ref is not None and name is not None and event is not None:
                payload = ConnectionPayload(item.ref, name)
                emit(session, event, subject=f"connections/{item.ref}", payload=payload, at=item.payload.at)


async def relay_notifications(batch: Batch[RelayNotification]) -> None:
    async with batch.commit() as session:
        for item in batch.items:
            if item.ref is None:
                continue
            sent = item.payload.sent
            payload = NotificationPayload(item.ref, sent.kind, sent.severity, sent.account, sent.number, sent.path)
            emit(session, NOTIFICATION_SENT, subject=f"members/{item.ref}", payload=payload, at=item.payload.at)
