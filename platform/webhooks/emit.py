"""Emission of events: their deliveries are written in the transaction of their cause, and exist only if it commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer, scope_of
from foundation.ids import new_id
from foundation.jobs.enqueue import NewJob, enqueue_at_commit
from policy.redaction import redact_content
from policy.visibility import hidden_from_systems
from tenants.relations import CLIENTS
from webhooks.event_types import E, WebhookEventType
from webhooks.job_types import FORWARD_EVENTS, FORWARD_LANE, SEND_EVENTS, EmittedEvent, ForwardEvents, endpoint_lane
from webhooks.states import DeliveryState

_MOST_IN_A_JOB: Final = 100
_ENDPOINTS: Final = text(f"""
    SELECT e.id, e.tenant_id, e.event_types, c.slug
      FROM webhook_endpoint e LEFT JOIN {CLIENTS} c ON c.tenant_id = :t
     WHERE e.tenant_id IN (:t, :m) AND e.deleted_at IS NULL
""")
_DELIVERIES: Final = BulkWrite.insert(
    "webhook_delivery",
    {
        "id": "uuid", "endpoint_id": "uuid", "event_id": "uuid", "event_type": "varchar", "source": "varchar",
        "subject": "varchar", "event_at": "timestamptz", "data": "jsonb", "state": "varchar",
        "next_at": "timestamptz", "created_at": "timestamptz",
    },
    conflict="ON CONFLICT (tenant_id, endpoint_id, event_id) WHERE replay_of IS NULL DO NOTHING",
)  # fmt: skip


class _Emitted(msgspec.Struct, frozen=True):
    type: str
    subject: str
    at: datetime
    payload: msgspec.Struct


class _DeliveryRow(msgspec.Struct, frozen=True):
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    source: str
    subject: str
    event_at: datetime
    data: Any
    state: str
    next_at: datetime
    created_at: datetime


def emit(session: AsyncSession, event_type: WebhookEventType[E], *, subject: str, payload: E, at: datetime) -> None:
    """Emit an event of the session's tenant when its transaction commits. `subject` names the object within the
    account, such as `changes/<id>`.
    """
    buffer(session, _write_emitted).append(_Emitted(event_type.name, subject, at, payload))


async def _write_emitted(session: AsyncSession, emitted: list[Any]) -> None:
    """Write the gathered events at the commit; one query if there is no endpoint."""
    scope = scope_of(session)
    found = (await session.execute(_ENDPOINTS, {"t": scope.tenant_id, "m": scope.msp_id})).all()
    if not found:
        return
    heard = {name for row in found for name in row.event_types}
    slug = found[0].slug
    source = f"/clients/{slug}" if slug else "/"
    hidden = await hidden_from_systems(session)
    events = [
        EmittedEvent(
            new_id(), one.type, source, one.subject, one.at,
            redact_content(msgspec.to_builtins(one.payload), hidden),
        )
        for one in emitted
        if one.type in heard
    ]  # fmt: skip
    own = {row.id: frozenset(row.event_types) for row in found if row.tenant_id == scope.tenant_id}
    await write_deliveries(session, events, own)
    of_msp = frozenset(name for row in found if row.tenant_id != scope.tenant_id for name in row.event_types)
    forwarded = [event for event in events if event.type in of_msp]
    parts = [forwarded[at : at + _MOST_IN_A_JOB] for at in range(0, len(forwarded), _MOST_IN_A_JOB)]
    await enqueue_at_commit(
        session, [NewJob(FORWARD_LANE, FORWARD_EVENTS, key="msp", payload=ForwardEvents(part)) for part in parts]
    )


async def write_deliveries(
    session: AsyncSession, events: Sequence[EmittedEvent], endpoints: Mapping[UUID, frozenset[str]]
) -> None:
    """Write a delivery of each event for each of the tenant's endpoints that subscribed to its type, and the job that
    sends them. An event that an endpoint already has is omitted.
    """
    rows = [
        _delivery(endpoint_id, event)
        for event in events
        for endpoint_id, types in endpoints.items()
        if event.type in types
    ]
    await _DELIVERIES.execute(session, rows)
    await enqueue_at_commit(
        session, [send_job(endpoint_id) for endpoint_id in sorted({row.endpoint_id for row in rows})]
    )


def send_job(endpoint_id: UUID) -> NewJob[Any]:
    """The job that sends pending events of an endpoint."""
    return NewJob(endpoint_lane(endpoint_id), SEND_EVENTS, key=str(endpoint_id), ref=endpoint_id)


def _delivery(endpoint_id: UUID, event: EmittedEvent) -> _DeliveryRow:
    return _DeliveryRow(
        id=new_id(), endpoint_id=endpoint_id, event_id=event.id, event_type=event.type, source=event.source,
        subject=event.subject, event_at=event.at, data=event.data, state=DeliveryState.PENDING, next_at=event.at,
        created_at=event.at,
    )  # fmt: skip
