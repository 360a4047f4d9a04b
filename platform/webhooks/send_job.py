"""Job that sends pending events of an endpoint one by one: the next begins when the previous one is delivered or
skipped.
"""

import time
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import AnswerTooLarge, OutboundHeld, OutboundRefused, OutboundUnavailable
from foundation.outbound.headers import parse_retry_after
from foundation.outbound.response import OutboundResponse
from foundation.text import clean_error_text
from webhooks.body import cloud_event, encode_body, write_headers
from webhooks.endpoints import get_endpoint, set_paused
from webhooks.schedule import AUTO_PAUSE_AFTER, next_delay
from webhooks.secrets import load_secrets
from webhooks.services import WebhookServices
from webhooks.states import DELIVERIES, AttemptOutcome, DeliveryState, EndpointState, PauseReason

_TURN_SECONDS: Final = 60.0
"""Time after which a batch sends no further event, so that the worker serves other lanes."""
_RATE_PER_SECOND: Final = 50.0
_HELD_SECONDS: Final = 30.0
LONGEST_RESPONSE: Final = 1000
"""Characters of a response that are stored in the log."""


class Due(NamedTuple):
    """The next event of an active endpoint. `wait`: seconds until it may be sent."""

    delivery: Row[Any]
    url: str
    secrets: bytes
    wait: float


class Attempt(NamedTuple):
    outcome: AttemptOutcome
    duration_ms: int
    status_code: int | None = None
    response: str = ""
    retry_after: float | None = None


def send_handler(services: WebhookServices) -> Handler[NoPayload]:
    async def send_events(batch: Batch[NoPayload]) -> None:
        endpoint_id = batch.items[0].ref
        wait = None if endpoint_id is None else await send_pending(services, batch, endpoint_id)
        async with batch.commit():
            if wait is not None:  # one job remains, and the lane is paused until its time
                batch.skip(batch.items[:1])
                batch.pause(wait)

    return send_events


async def send_pending(services: WebhookServices, batch: Batch[NoPayload], endpoint_id: UUID) -> float | None:
    """Send pending events. Returns the seconds until the next may be sent; None when no event is pending."""
    started = time.monotonic()
    while True:
        async with batch.read() as session:
            due = await find_due(session, services, endpoint_id)
        if due is None or due.wait > 0:
            return None if due is None else due.wait
        if time.monotonic() - started > _TURN_SECONDS:
            return 0.0
        batch.check_lease()
        now = services.clock()
        try:
            attempt = await send_event(services, batch.scope.tenant_id, endpoint_id, due, now=now)
        except OutboundHeld as held:  # nothing was sent, so nothing failed
            return held.retry_after or _HELD_SECONDS
        async with batch.read() as session:
            await record_attempt(session, services, endpoint_id, due, attempt, at=now)


async def find_due(session: AsyncSession, services: WebhookServices, endpoint_id: UUID) -> Due | None:
    """The endpoint's first pending event; None if there is none, or while the endpoint is paused or deleted."""
    try:
        endpoint = await get_endpoint(session, endpoint_id)
    except NotFound:
        return None
    if endpoint.state != EndpointState.ACTIVE:
        return None
    found = await session.execute(
        text(f"""
            SELECT * FROM webhook_delivery
             WHERE tenant_id = :t AND endpoint_id = :e AND state = '{DeliveryState.PENDING}' ORDER BY seq LIMIT 1
        """),
        {"t": scope_of(session).tenant_id, "e": endpoint_id},
    )
    delivery, now = found.one_or_none(), services.clock()
    if delivery is None:
        return None
    secrets = await load_secrets(session, services, endpoint_id, now=now)
    wait = (delivery.next_at - now).total_seconds() if delivery.attempts else 0.0
    return Due(delivery, endpoint.url, secrets, wait)


async def send_event(
    services: WebhookServices, tenant_id: UUID, endpoint_id: UUID, due: Due, *, now: datetime
) -> Attempt:
    """Send one request. Raises OutboundHeld: nothing was sent, because of the endpoint's limits."""
    event = cloud_event(due.delivery)
    body = encode_body(event)
    caller = services.outbound.for_credential(
        tenant_id, f"webhook:{endpoint_id}", _RATE_PER_SECOND, int(_RATE_PER_SECOND)
    )
    started = time.perf_counter()

    def took() -> int:
        return round((time.perf_counter() - started) * 1000)

    try:
        response = await caller.request(
            "POST", due.url, headers=write_headers(event, body, due.secrets, now=now), content=body
        )
    except OutboundRefused:
        return Attempt(AttemptOutcome.NOT_ALLOWED, took())
    except AnswerTooLarge:
        return Attempt(AttemptOutcome.OVERSIZED, took())
    except OutboundHeld:
        raise
    except OutboundUnavailable:
        return Attempt(AttemptOutcome.UNREACHABLE, took())
    return _answered(response, took(), now)


def _answered(response: OutboundResponse, duration_ms: int, now: datetime) -> Attempt:
    accepted = HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES
    return Attempt(
        AttemptOutcome.DELIVERED if accepted else AttemptOutcome.REFUSED,
        duration_ms,
        response.status_code,
        clean_error_text(response.content.decode("utf-8", "replace"), longest=LONGEST_RESPONSE),
        None if accepted else parse_retry_after(response.headers, now),
    )


async def record_attempt(  # noqa: PLR0913 - the parts of one attempt
    session: AsyncSession,
    services: WebhookServices,
    endpoint_id: UUID,
    due: Due,
    attempt: Attempt,
    *,
    at: datetime,
) -> None:
    """Record the attempt, with its consequences for the delivery and the endpoint."""
    delivery, tenant_id, now = due.delivery, scope_of(session).tenant_id, services.clock()
    number, delivered = delivery.attempts + 1, attempt.outcome is AttemptOutcome.DELIVERED
    delay = next_delay(number, retry_after=attempt.retry_after, jitter=services.jitter())
    state = DeliveryState.PENDING
    if delivered or delay is None:
        state = DELIVERIES.move(state, DeliveryState.DELIVERED if delivered else DeliveryState.FAILED)
    await _write_attempt(session, delivery.id, number, attempt, at)
    await session.execute(
        text(f"""
            UPDATE webhook_delivery SET attempts = :n, state = :state, next_at = :next_at, finished_at = :finished_at
             WHERE tenant_id = :t AND id = :d AND state = '{DeliveryState.PENDING}'
        """),
        {
            "t": tenant_id, "d": delivery.id, "n": number, "state": state, "next_at": now + (delay or timedelta()),
            "finished_at": None if state is DeliveryState.PENDING else now,
        },
    )  # fmt: skip
    try:
        endpoint = await get_endpoint(session, endpoint_id, lock=True)
    except NotFound:  # deleted meanwhile
        return
    if delivered:
        endpoint.failing_since, endpoint.last_success_at = None, now
        return
    endpoint.failing_since = endpoint.failing_since or at
    endpoint.last_failure_at = now
    if endpoint.state != EndpointState.ACTIVE:
        return
    if attempt.status_code == HTTPStatus.GONE:
        set_paused(session, endpoint, PauseReason.GONE, now=now)
    elif now - endpoint.failing_since >= AUTO_PAUSE_AFTER:
        set_paused(session, endpoint, PauseReason.FAILING, now=now)


async def _write_attempt(session: AsyncSession, delivery_id: UUID, number: int, attempt: Attempt, at: datetime) -> None:
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO webhook_attempt (tenant_id, msp_id, delivery_id, number, at, duration_ms, outcome, status_code,
                                         response)
            VALUES (:t, :m, :d, :n, :at, :ms, :outcome, :status, :response)
            ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "d": delivery_id, "n": number, "at": at,
            "ms": attempt.duration_ms, "outcome": attempt.outcome, "status": attempt.status_code,
            "response": attempt.response,
        },
    )  # fmt: skip
