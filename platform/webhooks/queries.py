"""Queries of endpoints and deliveries."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from webhooks.body import cloud_event, message_id_of
from webhooks.endpoints import get_endpoint
from webhooks.schemas import (
    WebhookAttemptView,
    WebhookDeliveryDetail,
    WebhookDeliveryView,
    WebhookEndpointView,
    WebhookEventTypeView,
)
from webhooks.services import WebhookServices
from webhooks.states import AttemptOutcome, DeliveryState, EndpointState

_ENDPOINT: Final = f"""e.id, e.url, e.description, e.event_types, e.state, e.paused_for, e.paused_at, e.paused_by,
    e.failing_since, e.last_success_at, e.last_failure_at, e.revision, e.created_at, e.created_by,
    (SELECT count(*) FROM webhook_delivery d WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id
        AND d.state = '{DeliveryState.PENDING}') AS pending,
    (SELECT max(s.expires_at) FROM webhook_secret s WHERE s.tenant_id = e.tenant_id AND s.endpoint_id = e.id
        AND s.expires_at > :now) AS previous_secret_until"""
_DELIVERY: Final = """d.id, d.event_id, d.event_type, d.source, d.subject, d.event_at, d.state, d.attempts, d.next_at,
    d.finished_at, d.replay_of, d.data, a.status_code, a.outcome"""
_DELIVERIES: Final = """webhook_delivery d LEFT JOIN webhook_attempt a
    ON a.tenant_id = d.tenant_id AND a.delivery_id = d.id AND a.number = d.attempts"""


async def list_endpoints(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[WebhookEndpointView]:
    """One page of the endpoints of the session's account."""
    binds = {"t": scope_of(session).tenant_id, "now": now}
    where = "e.tenant_id = :t AND e.deleted_at IS NULL"
    if query["status"]:
        where, binds = f"{where} AND e.state = :status", {**binds, "status": query["status"]}
    source = ListSource(columns=_ENDPOINT, tables="webhook_endpoint e", where=where, binds=binds)
    return (await read_page(session, source, query)).map(_endpoint_view)


async def read_endpoint(session: AsyncSession, endpoint_id: UUID, *, now: datetime) -> WebhookEndpointView:
    """An endpoint of the session's account. Raises NotFound."""
    rows = await session.execute(
        text(
            f"SELECT {_ENDPOINT} FROM webhook_endpoint e WHERE e.tenant_id = :t AND e.id = :e AND e.deleted_at IS NULL"
        ),
        {"t": scope_of(session).tenant_id, "e": endpoint_id, "now": now},
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return _endpoint_view(row)


async def list_deliveries(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[WebhookDeliveryView]:
    """One page of the deliveries of `query.parents["endpoint_id"]`. Raises NotFound."""
    endpoint_id = query.parents["endpoint_id"]
    await get_endpoint(session, endpoint_id)
    conditions = {"status": "d.state = :status", "event_type": "d.event_type = :event_type"}
    chosen = {name: query[name] for name in conditions if query[name]}
    source = ListSource(
        columns=_DELIVERY,
        tables=_DELIVERIES,
        where=" AND ".join(["d.tenant_id = :t", "d.endpoint_id = :e", *(conditions[name] for name in chosen)]),
        binds={"t": scope_of(session).tenant_id, "e": endpoint_id, **chosen},
    )
    return (await read_page(session, source, query)).map(_delivery_view)


async def read_delivery(session: AsyncSession, endpoint_id: UUID, delivery_id: UUID) -> WebhookDeliveryDetail:
    """A delivery with its request and attempts. Raises NotFound."""
    await get_endpoint(session, endpoint_id)
    binds = {"t": scope_of(session).tenant_id, "e": endpoint_id, "d": delivery_id}
    rows = await session.execute(
        text(f"SELECT {_DELIVERY} FROM {_DELIVERIES} WHERE d.tenant_id = :t AND d.endpoint_id = :e AND d.id = :d"),
        binds,
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    attempts = await session.execute(
        text("""
            SELECT number, at, duration_ms, outcome, status_code, response FROM webhook_attempt
             WHERE tenant_id = :t AND delivery_id = :d ORDER BY number DESC
        """),
        binds,
    )
    shown = [
        WebhookAttemptView(a.number, a.at, a.duration_ms, AttemptOutcome.of(a.outcome), a.status_code, a.response)
        for a in attempts
    ]
    return WebhookDeliveryDetail(_delivery_view(row), msgspec.to_builtins(cloud_event(row)), shown)


def list_event_types(services: WebhookServices) -> list[WebhookEventTypeView]:
    """The event types that can be chosen, by name, with the JSON Schema of their data."""
    return [
        WebhookEventTypeView(one.name, translate(one.label), translate(one.about), msgspec.json.schema(one.payload))
        for one in services.event_types.values()
    ]


def _endpoint_view(row: Row[Any]) -> WebhookEndpointView:
    fields = {name: getattr(row, name) for name in WebhookEndpointView.__struct_fields__}
    return WebhookEndpointView(**{**fields, "state": EndpointState.of(row.state)})


def _delivery_view(row: Row[Any]) -> WebhookDeliveryView:
    state = DeliveryState.of(row.state)
    return WebhookDeliveryView(
        id=row.id, message_id=message_id_of(row.event_id), event_type=row.event_type, source=row.source,
        subject=row.subject, event_at=row.event_at, state=state, attempts=row.attempts,
        next_at=row.next_at if state is DeliveryState.PENDING and row.attempts else None,
        finished_at=row.finished_at, is_replay=row.replay_of is not None, status_code=row.status_code,
        outcome=None if row.outcome is None else AttemptOutcome.of(row.outcome),
    )  # fmt: skip
