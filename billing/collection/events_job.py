"""Job that applies an event of the provider by reading its invoice again."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.apply import apply_remote
from billing.payment_account.accounts import open_account
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import ApplyEvent
from billing.payments.port import PaymentProvider, ProviderBusy, ProviderRefused, RemoteInvoice
from billing.payments.states import EVENTS, EventState
from billing.stripe.hooks import EVENT_TYPES
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.outbound.errors import OutboundHeld
from foundation.scope import Scope

_HELD_SECONDS: Final = 30.0


def apply_handler(services: PaymentServices) -> Handler[ApplyEvent]:
    async def apply_event(batch: Batch[ApplyEvent]) -> None:
        (item,) = batch.items
        event_id = item.payload.event_id
        account = await open_account(services, batch.scope)
        async with batch.read() as session:
            object_id = await _pending(session, event_id)
        if object_id is None:
            return
        state = EventState.IGNORED
        if object_id and account is not None and account.provider is not None:
            asked_at = services.clock()
            batch.check_lease()
            try:
                remote = await find_remote(account.provider, object_id)
            except (ProviderBusy, OutboundHeld) as held:
                batch.defer(item, delay=held.retry_after or _HELD_SECONDS, is_retry=False)
                return
            if remote is not None and await apply_to_client(services, batch.scope, remote, asked_at=asked_at):
                state = EventState.APPLIED
        async with batch.commit() as session:
            await _finish(session, event_id, state, services.clock())

    return apply_event


async def find_remote(provider: PaymentProvider, object_id: str) -> RemoteInvoice | None:
    """The invoice that an event's object belongs to, freshly read; None if there is none, or it no longer exists."""
    try:
        external_id = await provider.find_invoice_of(object_id)
        return await provider.read_invoice(external_id) if external_id else None
    except ProviderRefused as refused:
        if refused.provider_code == "resource_missing":
            return None
        raise


async def apply_to_client(
    services: PaymentServices, scope: Scope, remote: RemoteInvoice, *, asked_at: datetime
) -> bool:
    """In a transaction of the client that the invoice names. False: it is no invoice of ours."""
    if remote.client_id is None or remote.invoice_id is None:
        return False
    try:
        async with services.db.transaction(scope.for_tenant(remote.client_id)) as session:
            return await apply_remote(session, remote.invoice_id, remote, asked_at=asked_at, now=services.clock())
    except NotFound:
        return False


async def _pending(session: AsyncSession, event_id: str) -> str | None:
    """The event's object, empty if it is not about a payment; None if the event is finished or gone."""
    found = await session.execute(
        text(f"""
            SELECT e.type, e.object_id FROM payment_event e
              JOIN payment_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
             WHERE e.tenant_id = :t AND e.event_id = :id AND e.state = '{EventState.PENDING}'
        """),
        {"t": scope_of(session).tenant_id, "id": event_id},
    )
    row = found.one_or_none()
    if row is None:
        return None
    return str(row.object_id) if row.type in EVENT_TYPES else ""


async def _finish(session: AsyncSession, event_id: str, state: EventState, now: datetime) -> None:
    EVENTS.move(EventState.PENDING, state)
    await session.execute(
        text(f"""
            UPDATE payment_event SET state = :state, finished_at = :now
             WHERE tenant_id = :t AND event_id = :id AND state = '{EventState.PENDING}'
        """),
        {"t": scope_of(session).tenant_id, "id": event_id, "state": state.value, "now": now},
    )
