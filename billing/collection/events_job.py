"""Job that applies an event of the provider by reading its invoice again."""

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.apply import apply_remote
from billing.collection.collect_job import note_return
from billing.held_calls import defer_held
from billing.payment_account.accounts import open_account
from billing.payment_account.services import PaymentServices
from billing.payment_methods.profiles import find_profile, request_reading
from billing.payments.job_types import CHECK_ACCOUNT, LANE, ApplyEvent
from billing.payments.port import PaymentProvider, ProviderBusy, ProviderRefused, RemoteInvoice
from billing.payments.states import EVENTS, EventState, EventTopic, RemoteStatus
from billing.stripe.hooks import TOPIC_OF
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.outbound.errors import OutboundHeld
from foundation.scope import Scope

_FAILED: Final = "invoice.payment_failed"


class _Pending(NamedTuple):
    type: str
    object_id: str
    topic: EventTopic | None


def apply_handler(services: PaymentServices) -> Handler[ApplyEvent]:
    async def apply_event(batch: Batch[ApplyEvent]) -> None:
        (item,) = batch.items
        event_id = item.payload.event_id
        account = await open_account(services, batch.scope)
        async with batch.read() as session:
            pending = await _pending(session, event_id)
        if pending is None:
            return
        state = EventState.IGNORED
        if pending.object_id and account is not None and account.provider is not None:
            batch.check_lease()
            try:
                if await _apply(services, batch.scope, account.provider, pending):
                    state = EventState.APPLIED
            except (ProviderBusy, OutboundHeld) as held:
                defer_held(batch, item, held)
                return
        async with batch.commit() as session:
            await _finish(session, event_id, state, services.clock())

    return apply_event


async def _apply(services: PaymentServices, scope: Scope, provider: PaymentProvider, event: _Pending) -> bool:
    """Apply the event. False: the event is about none of our objects."""
    if event.topic is EventTopic.ACCOUNT:
        async with services.db.transaction(scope) as session:
            enqueue(session, [NewJob(LANE, CHECK_ACCOUNT, key=CHECK_ACCOUNT.name)])
        return True
    if event.topic is EventTopic.METHODS:
        client_id = await provider.find_client_of(event.object_id)
        return client_id is not None and await _read_methods(services, scope.for_tenant(client_id))
    asked_at = services.clock()
    remote = await find_remote(provider, event.object_id)
    if remote is None or not await apply_to_client(services, scope, remote, asked_at=asked_at):
        return False
    is_less = remote.status == RemoteStatus.PAID and (remote.credited_minor or remote.refunded_minor)
    if is_less and remote.invoice_id is not None:
        await provider.adjust_fee(remote.invoice_id, remote.external_id)
    if event.type == _FAILED and remote.client_id is not None and remote.invoice_id is not None:
        async with services.db.transaction(scope.for_tenant(remote.client_id)) as session:
            await note_return(session, remote.invoice_id, now=services.clock())
    return True


async def _read_methods(services: PaymentServices, client: Scope) -> bool:
    """Enqueue reading a client's payment methods. False: the client has no payment profile."""
    async with services.db.transaction(client) as session:
        if await find_profile(session) is None:
            return False
        await request_reading(session)
    return True


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
    """Apply the invoice in a transaction of the client in its metadata. False: the invoice is none of ours."""
    if remote.client_id is None or remote.invoice_id is None:
        return False
    try:
        async with services.db.transaction(scope.for_tenant(remote.client_id)) as session:
            return await apply_remote(session, remote.invoice_id, remote, asked_at=asked_at, now=services.clock())
    except NotFound:
        return False


async def _pending(session: AsyncSession, event_id: str) -> _Pending | None:
    """The event, with an empty object id if its type is ignored; None if the event is finished or deleted."""
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
    topic = TOPIC_OF.get(row.type)
    return _Pending(str(row.type), str(row.object_id) if topic is not None else "", topic)


async def _finish(session: AsyncSession, event_id: str, state: EventState, now: datetime) -> None:
    EVENTS.move(EventState.PENDING, state)
    await session.execute(
        text(f"""
            UPDATE payment_event SET state = :state, finished_at = :now
             WHERE tenant_id = :t AND event_id = :id AND state = '{EventState.PENDING}'
        """),
        {"t": scope_of(session).tenant_id, "id": event_id, "state": state.value, "now": now},
    )
