"""Use cases of endpoints: add, change, pause, resume, rotate the secret, delete."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.events import DomainEvent, publish
from foundation.ids import new_id
from foundation.jobs.enqueue import discard_jobs, enqueue, wake_lanes
from foundation.marks import N_
from foundation.names import clean_name
from foundation.outbound.guard import check_url
from foundation.web.etags import changed_meanwhile
from webhooks.audit_actions import WebhookAction
from webhooks.emit import send_job
from webhooks.events import ENDPOINT_PAUSED, ENDPOINT_RESUMED, EndpointTurn
from webhooks.features import WEBHOOK_FEATURE
from webhooks.job_types import endpoint_lane
from webhooks.models import WebhookEndpoint
from webhooks.schemas import LONGEST_DESCRIPTION, LONGEST_URL, WebhookEndpointChanges, WebhookEndpointInput
from webhooks.secrets import OVERLAP, add_secret, delete_secrets, retire_secrets
from webhooks.services import WebhookServices
from webhooks.states import ENDPOINTS, DeliveryState, EndpointState, PauseReason

MOST_ENDPOINTS: Final = 20
_NEXT_NOW: Final = text(f"""
    UPDATE webhook_delivery SET next_at = :now
     WHERE tenant_id = :t AND endpoint_id = :e AND state = '{DeliveryState.PENDING}' AND next_at > :now
""")
_SKIP_PENDING: Final = text(f"""
    UPDATE webhook_delivery SET state = '{DeliveryState.SKIPPED}', finished_at = :now
     WHERE tenant_id = :t AND endpoint_id = :e AND state = '{DeliveryState.PENDING}'
""")


async def get_endpoint(session: AsyncSession, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
    """An endpoint of the session's own account. Raises NotFound."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.tenant_id == scope_of(session).tenant_id,
        WebhookEndpoint.id == endpoint_id,
        WebhookEndpoint.deleted_at.is_(None),
    )
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


async def add_endpoint(
    session: AsyncSession, services: WebhookServices, wanted: WebhookEndpointInput, *, now: datetime
) -> tuple[UUID, str]:
    """Add an endpoint. Returns its id and its signing secret, which cannot be shown again.

    Raises:
        InvalidInput: an event type is unknown, or a text is too long.
        OutboundRefused: the address may not be called.
        Conflict: the account has as many endpoints as it can have.
        NotInPlan, PlanLimitReached: the plan has no webhooks, or no further one.
    """
    scope = scope_of(session)
    url, types = await _check_url(services, wanted.url), check_event_types(services, wanted.event_types)
    own = (WebhookEndpoint.tenant_id == scope.tenant_id, WebhookEndpoint.deleted_at.is_(None))
    count = await session.scalar(select(func.count()).select_from(WebhookEndpoint).where(*own))
    if (count or 0) >= MOST_ENDPOINTS:
        raise Conflict(N_("An account has at most {most} webhooks. Delete one first."), params={"most": MOST_ENDPOINTS})
    await require_entitlement(session, WEBHOOK_FEATURE)
    endpoint = WebhookEndpoint(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), url=url,
        description=_clean_description(wanted.description), event_types=types,
        state=ENDPOINTS.start(EndpointState.ACTIVE), created_at=now, created_by=scope.actor.name,
    )  # fmt: skip
    session.add(endpoint)
    await session.flush()
    secret = await add_secret(session, services, endpoint.id, now=now)
    _audit(session, WebhookAction.ENDPOINT_CREATED, endpoint, now, host=_host_of(url), event_types=types)
    return endpoint.id, secret


async def change_endpoint(  # noqa: PLR0913 - keyword-only parts of one change
    session: AsyncSession,
    services: WebhookServices,
    endpoint_id: UUID,
    changes: WebhookEndpointChanges,
    *,
    revision: int,
    now: datetime,
) -> None:
    """Change address, description or event types.

    Raises:
        NotFound: this account has no such endpoint.
        PreconditionFailed: the endpoint was changed since `revision`.
        InvalidInput, OutboundRefused: see `add_endpoint`.
    """
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if endpoint.revision != revision:
        raise changed_meanwhile()
    before = {"url": endpoint.url, "event_types": endpoint.event_types, "description": endpoint.description}
    if changes.url is not None and changes.url.strip() != endpoint.url:
        endpoint.url = await _check_url(services, changes.url)
    if changes.event_types is not None:
        endpoint.event_types = check_event_types(services, changes.event_types)
    if changes.description is not None:
        endpoint.description = _clean_description(changes.description)
    after: dict[str, object] = {
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "description": endpoint.description,
    }
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        endpoint.revision += 1
        await session.flush()
        if "url" in changed:
            changed["url"] = _host_of(endpoint.url)
        _audit(session, WebhookAction.ENDPOINT_CHANGED, endpoint, now, **changed)


async def rotate_secret(
    session: AsyncSession, services: WebhookServices, endpoint_id: UUID, *, now: datetime
) -> tuple[str, datetime]:
    """Create a new secret. Both sign until the returned time, so that the receiver can change in between.

    Raises:
        NotFound: this account has no such endpoint.
    """
    endpoint, until = await get_endpoint(session, endpoint_id, lock=True), now + OVERLAP
    await retire_secrets(session, endpoint_id, now=now, until=until)
    secret = await add_secret(session, services, endpoint_id, now=now)
    _audit(session, WebhookAction.ENDPOINT_SECRET_ROTATED, endpoint, now)
    return secret, until


async def pause_endpoint(session: AsyncSession, endpoint_id: UUID, *, now: datetime) -> None:
    """Pause an endpoint: events are kept and nothing is sent. Raises NotFound, Conflict."""
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if endpoint.state == EndpointState.PAUSED:
        raise Conflict(N_("This webhook is already paused."))
    set_paused(session, endpoint, PauseReason.PERSON, now=now)


def set_paused(session: AsyncSession, endpoint: WebhookEndpoint, reason: PauseReason, *, now: datetime) -> None:
    """Pause a locked endpoint. An automatic pause is published as an event, so that a member is notified."""
    endpoint.state = ENDPOINTS.move(endpoint.state, EndpointState.PAUSED)
    endpoint.paused_for, endpoint.paused_at = reason, now
    endpoint.paused_by = scope_of(session).actor.name
    endpoint.revision += 1
    _audit(session, WebhookAction.ENDPOINT_PAUSED, endpoint, now, reason=str(reason))
    if reason is not PauseReason.PERSON:
        publish(session, DomainEvent(ENDPOINT_PAUSED, endpoint.id, now, EndpointTurn(name_of(endpoint))))


async def resume_endpoint(session: AsyncSession, endpoint_id: UUID, *, now: datetime) -> None:
    """Resume an endpoint: pending events are sent now, in order. Raises NotFound, Conflict."""
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if endpoint.state != EndpointState.PAUSED:
        raise Conflict(N_("This webhook is not paused."))
    endpoint.state = ENDPOINTS.move(endpoint.state, EndpointState.ACTIVE)
    endpoint.paused_for = endpoint.paused_at = endpoint.paused_by = endpoint.failing_since = None
    endpoint.revision += 1
    await session.flush()
    await send_now(session, endpoint_id, now=now)
    _audit(session, WebhookAction.ENDPOINT_RESUMED, endpoint, now)
    publish(session, DomainEvent(ENDPOINT_RESUMED, endpoint_id, now, EndpointTurn(name_of(endpoint))))


async def delete_endpoint(session: AsyncSession, endpoint_id: UUID, *, revision: int, now: datetime) -> None:
    """Delete an endpoint with its secrets. Pending events are skipped; the log of deliveries stays.

    Raises:
        NotFound: this account has no such endpoint.
        PreconditionFailed: the endpoint was changed since `revision`.
    """
    endpoint = await get_endpoint(session, endpoint_id, lock=True)
    if endpoint.revision != revision:
        raise changed_meanwhile()
    was_paused = endpoint.state == EndpointState.PAUSED
    endpoint.deleted_at = now
    await session.flush()
    await delete_secrets(session, endpoint_id)
    await session.execute(_SKIP_PENDING, {"t": scope_of(session).tenant_id, "e": endpoint_id, "now": now})
    await discard_jobs(session, [endpoint_lane(endpoint_id)])
    _audit(session, WebhookAction.ENDPOINT_DELETED, endpoint, now, host=_host_of(endpoint.url))
    if was_paused:
        publish(session, DomainEvent(ENDPOINT_RESUMED, endpoint_id, now, EndpointTurn(name_of(endpoint))))


async def send_now(session: AsyncSession, endpoint_id: UUID, *, now: datetime) -> None:
    """Send pending events without waiting for the next attempt's time."""
    await session.execute(_NEXT_NOW, {"t": scope_of(session).tenant_id, "e": endpoint_id, "now": now})
    await wake_lanes(session, endpoint_id)
    enqueue(session, [send_job(endpoint_id)])


def name_of(endpoint: WebhookEndpoint) -> str:
    """Description, else the host of the address: the rest of an address may contain a receiver's secret."""
    return endpoint.description or _host_of(endpoint.url)


def check_event_types(services: WebhookServices, names: Sequence[str]) -> list[str]:
    """The names, sorted and each once. Raises InvalidInput for none, or an unknown one."""
    unknown = sorted(set(names) - services.event_types.keys())
    if unknown:
        raise InvalidInput(
            N_("There is no event type {name}. Choose from: {known}."),
            params={"name": unknown[0][:100], "known": ", ".join(services.event_types)},
            field="event_types",
        )
    if not names:
        raise InvalidInput(N_("Choose at least one event type."), field="event_types")
    return sorted(set(names))


async def _check_url(services: WebhookServices, url: str) -> str:
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise InvalidInput(N_("An address has at most {most} characters."), params={"most": LONGEST_URL}, field="url")
    await services.outbound.check_address(url)
    return url


def _host_of(url: str) -> str:
    return check_url(url).host


def _clean_description(description: str) -> str:
    return clean_name(description[: LONGEST_DESCRIPTION + 1], field="description") if description.strip() else ""


def _audit(
    session: AsyncSession, action: WebhookAction, endpoint: WebhookEndpoint, now: datetime, **data: object
) -> None:
    append_audit(
        session,
        action=action,
        subject=f"webhook_endpoint:{endpoint.id}",
        data={"name": name_of(endpoint), **data},
        at=now,
    )
