"""Nightly jobs of an MSP's payment account: read events whose webhook was missed, and the state of recent invoices."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.events_job import apply_to_client
from billing.collection.hooks import store_event
from billing.held_calls import defer_held
from billing.payment_account.accounts import find_payment_account, open_account
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import READ_INVOICES, SWEEP, SWEEP_LANE, ReadInvoices
from billing.payments.port import PaymentProvider, ProviderBusy, ProviderRefused, RemoteInvoice
from billing.payments.states import EventTopic
from foundation.database.engine import scope_of
from foundation.errors import Unavailable
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue, set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import restart_timers
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld

SWEEP_EVERY: Final = timedelta(days=1)
_OVERLAP: Final = timedelta(hours=2)
"""The provider's clock differs, and it lists some events late."""
_READ_FOR: Final = timedelta(days=90)
"""Age up to which invoices are read again."""
_log = structlog.get_logger(__name__)


def sweep_handler(services: PaymentServices) -> Handler[NoPayload]:
    async def sweep(batch: Batch[NoPayload]) -> None:
        started = services.clock()
        account = await open_account(services, batch.scope)
        if account is not None and account.provider is not None:
            try:
                await sweep_events(batch, account.provider, now=started)
            except ProviderRefused as refused:  # such as a revoked key: shown on the page, retried the next night
                _log.warning("payments.sweep_refused", msp_id=str(batch.scope.msp_id), code=refused.provider_code)
        async with batch.commit() as session:
            if account is not None and account.provider is not None:
                payload = ReadInvoices(started - _READ_FOR)
                enqueue(session, [NewJob(SWEEP_LANE, READ_INVOICES, key=READ_INVOICES.name, payload=payload)])
                await schedule_sweep(session, started + SWEEP_EVERY)

    return sweep


async def sweep_events(batch: Batch[NoPayload], provider: PaymentProvider, *, now: datetime) -> None:
    """Store the provider's events since the last sweep. Raises ProviderRefused, ProviderUncertain, ProviderBusy,
    OutboundHeld.
    """
    async with batch.read() as session:
        account = await find_payment_account(session)
    if account is None:
        return
    since = (account.swept_at or account.set_at) - _OVERLAP
    for topic in EventTopic:
        after = ""
        while events := await provider.list_events(since, after=after, topic=topic):
            async with batch.read() as session:
                for event in events:
                    await store_event(session, account, event, via="sweep", now=now)
            batch.check_lease()
            after = events[-1].event_id
    async with batch.read() as session:
        await session.execute(
            text("UPDATE payment_account SET swept_at = :now WHERE tenant_id = :t AND id = :id"),
            {"t": scope_of(session).tenant_id, "id": account.id, "now": now},
        )


def read_handler(services: PaymentServices) -> Handler[ReadInvoices]:
    async def read(batch: Batch[ReadInvoices]) -> None:
        (item,) = batch.items
        account, listed_at = await open_account(services, batch.scope), services.clock()
        page: list[RemoteInvoice] = []
        if account is not None and account.provider is not None:
            try:
                page = [*await account.provider.list_invoices(item.payload.since, after=item.payload.after)]
                for listed in page:
                    batch.check_lease()
                    await read_listed(services, batch, account.provider, listed, listed_at=listed_at)
            except (ProviderBusy, OutboundHeld) as held:
                defer_held(batch, item, held)
                return
            except ProviderRefused as refused:
                _log.warning("payments.sweep_refused", msp_id=str(batch.scope.msp_id), code=refused.provider_code)
        async with batch.commit() as session:
            if page:
                payload = ReadInvoices(item.payload.since, page[-1].external_id)
                enqueue(session, [NewJob(SWEEP_LANE, READ_INVOICES, key=READ_INVOICES.name, payload=payload)])

    return read


async def read_listed(
    services: PaymentServices, batch: Batch[ReadInvoices], provider: PaymentProvider, listed: RemoteInvoice, *,
    listed_at: datetime,
) -> None:  # fmt: skip
    """Read and apply a listed invoice if it is ours; invoices of the account's other business, and those that fail, are
    skipped.

    Raises:
        ProviderUncertain, ProviderBusy, OutboundHeld: none can be read now.
    """
    if listed.invoice_id is None or listed.client_id is None:
        return
    try:
        remote: RemoteInvoice | None = listed
        if listed.paid_minor:  # something may be refunded or disputed
            listed_at = services.clock()
            remote = await provider.read_invoice(listed.external_id)
        if remote is not None:
            await apply_to_client(services, batch.scope, remote, asked_at=listed_at)
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - one invoice must not stop the others
        _log.exception("payments.invoice_skipped", msp_id=str(batch.scope.msp_id), invoice=listed.external_id)


async def schedule_sweep(session: AsyncSession, due_at: datetime) -> None:
    """Set the timer of the next sweep, in the MSP account."""
    await set_timer(session, name=SWEEP.name, lane=SWEEP_LANE, job_type=SWEEP, due_at=due_at)


async def repair_sweep(session: AsyncSession, now: datetime) -> None:
    await restart_timers(session, (SWEEP,), now=now, longest=2 * SWEEP_EVERY)
