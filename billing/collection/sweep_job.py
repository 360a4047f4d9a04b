"""Nightly job of an MSP's payment account: events that no webhook brought, and the state of its recent invoices."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.events_job import apply_to_client
from billing.collection.hooks import store_event
from billing.payment_account.accounts import find_payment_account, open_account
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import LANE, SWEEP
from billing.payments.port import PaymentProvider, ProviderRefused
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import restart_timers
from foundation.jobs.types import NoPayload

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
                await sweep_account(services, batch, account.provider, now=started)
            except ProviderRefused as refused:  # such as a revoked key: the page says so, tomorrow it is tried again
                _log.warning("payments.sweep_refused", msp_id=str(batch.scope.msp_id), code=refused.provider_code)
        async with batch.commit() as session:
            if account is not None and account.provider is not None:
                await schedule_sweep(session, started + SWEEP_EVERY)

    return sweep


async def sweep_account(
    services: PaymentServices, batch: Batch[NoPayload], provider: PaymentProvider, *, now: datetime
) -> None:
    """Raises ProviderRefused, ProviderUncertain, ProviderBusy, OutboundHeld."""
    async with batch.read() as session:
        account = await find_payment_account(session)
    if account is None:
        return
    events = await provider.list_events((account.swept_at or account.set_at) - _OVERLAP)
    async with batch.read() as session:
        for event in events:
            await store_event(session, account, event, via="sweep", now=now)
    batch.check_lease()
    for remote in await provider.list_invoices(now - _READ_FOR):
        await apply_to_client(services, batch.scope, remote, asked_at=now)
    async with batch.read() as session:
        await session.execute(
            text("UPDATE payment_account SET swept_at = :now WHERE tenant_id = :t AND id = :id"),
            {"t": scope_of(session).tenant_id, "id": account.id, "now": now},
        )


async def schedule_sweep(session: AsyncSession, due_at: datetime) -> None:
    """In the MSP account."""
    await set_timer(session, name=SWEEP.name, lane=LANE, job_type=SWEEP, due_at=due_at)


async def repair_sweep(session: AsyncSession, now: datetime) -> None:
    await restart_timers(session, (SWEEP,), now=now, longest=2 * SWEEP_EVERY)
