"""Use cases of deliveries: send a test event, send again, skip."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.jobs.enqueue import enqueue
from foundation.marks import N_
from tenants.relations import CLIENTS
from webhooks.audit_actions import WebhookAction
from webhooks.emit import send_job, write_deliveries
from webhooks.endpoints import get_endpoint, name_of, send_now
from webhooks.event_types import TEST, TestPayload
from webhooks.job_types import EmittedEvent
from webhooks.models import WebhookEndpoint
from webhooks.schemas import WebhookReplay
from webhooks.states import DeliveryState, EndpointState

MOST_REPLAYED: Final = 10_000
_REPLAY: Final = """
    INSERT INTO webhook_delivery (tenant_id, msp_id, id, endpoint_id, event_id, event_type, source, subject, event_at,
                                  data, state, next_at, created_at, replay_of)
    SELECT d.tenant_id, d.msp_id, gen_random_uuid(), d.endpoint_id, d.event_id, d.event_type, d.source, d.subject,
           d.event_at, d.data, :pending, :now, :now, d.id
      FROM webhook_delivery d
     WHERE d.tenant_id = :t AND d.endpoint_id = :e AND {which}
     ORDER BY d.seq LIMIT :most
    RETURNING id
"""
_ONE: Final = text(_REPLAY.format(which="d.id = :d"))
_RANGE: Final = text(
    _REPLAY.format(
        which="d.replay_of IS NULL AND d.event_at >= :since AND d.event_at < :until AND d.state = ANY (:states)"
    )
)


async def send_test(session: AsyncSession, endpoint_id: UUID, *, now: datetime) -> UUID:
    """Queue a test event behind pending ones, and return the id of its message. Raises NotFound, Conflict."""
    endpoint = await _active(session, endpoint_id)
    slug = await session.scalar(
        text(f"SELECT slug FROM {CLIENTS} c WHERE tenant_id = :t"), {"t": scope_of(session).tenant_id}
    )
    data = {"text": TestPayload("This is a test event.").text}
    event = EmittedEvent(new_id(), TEST.name, f"/clients/{slug}" if slug else "/", "webhooks/test", now, data)
    await write_deliveries(session, [event], {endpoint_id: frozenset({TEST.name})})
    _audit(session, WebhookAction.ENDPOINT_TESTED, endpoint, now)
    return event.id


async def replay_delivery(session: AsyncSession, endpoint_id: UUID, delivery_id: UUID, *, now: datetime) -> UUID:
    """Send a finished event again, with its message id, and return the new delivery's id.

    Raises:
        NotFound: the endpoint has no such delivery.
        Conflict: the delivery is pending, or the endpoint is paused.
    """
    endpoint = await _active(session, endpoint_id)
    if await _state_of(session, endpoint_id, delivery_id) == DeliveryState.PENDING:
        raise Conflict(N_("This event has not been delivered yet. It will be sent anyway."))
    made = await session.scalar(_ONE, {**_binds(session, endpoint_id, now), "d": delivery_id, "most": 1})
    enqueue(session, [send_job(endpoint_id)])
    _audit(session, WebhookAction.ENDPOINT_REPLAYED, endpoint, now, events=1, delivery=str(delivery_id))
    return UUID(str(made))


async def replay_range(session: AsyncSession, endpoint_id: UUID, wanted: WebhookReplay, *, now: datetime) -> int:
    """Send the finished events of a period again, in order, and return their number.

    Raises:
        NotFound: this account has no such endpoint.
        InvalidInput: the period is empty, has no offset, or contains too many events.
        Conflict: the endpoint is paused.
    """
    endpoint = await _active(session, endpoint_id)
    if wanted.since.tzinfo is None or wanted.until.tzinfo is None or wanted.since >= wanted.until:
        raise InvalidInput(N_("The end is not after the beginning."), field="until")
    states = [str(state) for state in wanted.states if state is not DeliveryState.PENDING]
    binds = {"since": wanted.since, "until": wanted.until, "states": states, "most": MOST_REPLAYED + 1}
    made = (await session.execute(_RANGE, {**_binds(session, endpoint_id, now), **binds})).all()
    if len(made) > MOST_REPLAYED:
        raise InvalidInput(
            N_("At most {most} events can be sent again at once. Choose a shorter time."),
            params={"most": MOST_REPLAYED},
            field="until",
        )
    if made:
        enqueue(session, [send_job(endpoint_id)])
        data = {"since": wanted.since.isoformat(), "until": wanted.until.isoformat(), "events": len(made)}
        _audit(session, WebhookAction.ENDPOINT_REPLAYED, endpoint, now, **data)
    return len(made)


async def skip_delivery(session: AsyncSession, endpoint_id: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """Skip a pending event, so that those behind it are sent. Raises NotFound, Conflict."""
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if await _state_of(session, endpoint_id, delivery_id) != DeliveryState.PENDING:
        raise Conflict(N_("This event is not pending any more."))
    await session.execute(
        text(f"""
            UPDATE webhook_delivery SET state = '{DeliveryState.SKIPPED}', finished_at = :now
             WHERE tenant_id = :t AND id = :d
        """),
        {"t": scope_of(session).tenant_id, "d": delivery_id, "now": now},
    )
    if endpoint.state == EndpointState.ACTIVE:
        await send_now(session, endpoint_id, now=now)
    append_audit(
        session, action=WebhookAction.DELIVERY_SKIPPED, subject=f"webhook_endpoint:{endpoint_id}",
        data={"name": name_of(endpoint), "delivery": str(delivery_id)}, at=now,
    )  # fmt: skip


async def _active(session: AsyncSession, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if endpoint.state != EndpointState.ACTIVE:
        raise Conflict(N_("This webhook is paused. Resume it first."))
    return endpoint


async def _state_of(session: AsyncSession, endpoint_id: UUID, delivery_id: UUID) -> str:
    state = await session.scalar(
        text("SELECT state FROM webhook_delivery WHERE tenant_id = :t AND endpoint_id = :e AND id = :d FOR UPDATE"),
        {"t": scope_of(session).tenant_id, "e": endpoint_id, "d": delivery_id},
    )
    if state is None:
        raise NotFound
    return str(state)


def _binds(session: AsyncSession, endpoint_id: UUID, now: datetime) -> dict[str, object]:
    return {"t": scope_of(session).tenant_id, "e": endpoint_id, "now": now, "pending": DeliveryState.PENDING}


def _audit(
    session: AsyncSession, action: WebhookAction, endpoint: WebhookEndpoint, now: datetime, **data: object
) -> None:
    subject = f"webhook_endpoint:{endpoint.id}"
    append_audit(session, action=action, subject=subject, data={"name": name_of(endpoint), **data}, at=now)
