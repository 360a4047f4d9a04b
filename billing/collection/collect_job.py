"""Job that makes an invoice at the payment provider agree with ours."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.apply import apply_remote
from billing.collection.charge import charge, charge_in_sandbox, next_charge
from billing.collection.converge import converge
from billing.collection.prepare import COLLECTED, Collectable, prepare
from billing.held_calls import defer_held
from billing.invoices.steps import lock_issued
from billing.payment_account.accounts import open_account
from billing.payment_account.current import find_current_account
from billing.payment_account.services import OpenAccount, PaymentServices
from billing.payment_account.states import ProviderKind
from billing.payments.job_types import COLLECT, CollectInvoice
from billing.payments.port import ProviderBusy, ProviderRefused, RemoteInvoice, TotalsDiffer
from billing.payments.provider_invoices import (
    clear_failure,
    drop_row,
    find_row,
    write_charge,
    write_failure,
    write_remote,
    write_return,
)
from billing.payments.states import RemoteStatus
from billing.states import InvoiceState
from foundation.errors import Conflict, DomainError
from foundation.events import EVENTS_LANE
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.marks import N_
from foundation.outbound.errors import OutboundHeld

COLLECT_LANE: Final = f"{EVENTS_LANE}/{COLLECT.name}"
"""Lane of the jobs that `InvoiceMoved` events start, so that two of one invoice never run at once."""
_LATER_SECONDS: Final = 60.0
"""So that the attempt is due when its job runs."""


def collect_handler(services: PaymentServices) -> Handler[CollectInvoice]:
    async def collect(batch: Batch[CollectInvoice]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        account = await open_account(services, batch.scope, reopens=item.payload.reopens)
        if account is None:
            return
        async with batch.read() as session:
            wanted = await prepare(session, account, item.ref, now=services.clock())
        if wanted is None:
            return
        batch.check_lease()
        asked_at = services.clock()
        remote: RemoteInvoice | None = None
        refusal: DomainError | None = None
        declined: str | None = None
        try:
            remote = await ask(account, wanted)
            remote, declined = await charge(account.provider, wanted, remote)
        except (ProviderBusy, OutboundHeld) as held:
            defer_held(batch, item, held)
            return
        except (ProviderRefused, TotalsDiffer, Conflict) as error:
            refusal = error
        async with batch.commit() as session:
            if refusal is not None:
                answer = refusal.answer if isinstance(refusal, ProviderRefused) else ""
                await write_failure(session, item.ref, refusal.code, answer, None if answer else refusal.reason)
            elif remote is not None:
                await apply_answer(session, account, wanted, remote, asked_at=asked_at, now=services.clock())
                if declined is not None:
                    await note_charge(session, wanted, declined, now=services.clock())

    return collect


async def ask(account: OpenAccount, wanted: Collectable) -> RemoteInvoice:
    """Return the provider's invoice after `converge`; in the sandbox, a copy of ours. Raises as `converge`."""
    if account.provider is not None:
        return await converge(account.provider, wanted)
    invoice = wanted.invoice
    status = RemoteStatus.PAID if invoice.balance_minor <= 0 else RemoteStatus.OPEN
    return RemoteInvoice(
        external_id=f"sandbox-{invoice.id}", invoice_id=invoice.id, client_id=wanted.payer.client_id,
        status=RemoteStatus.VOID if invoice.state is InvoiceState.VOID else status, currency=invoice.currency,
        total_minor=wanted.pushed.total_minor, paid_minor=invoice.paid_minor, credited_minor=invoice.credited_minor,
    )  # fmt: skip


async def apply_answer(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, account: OpenAccount, wanted: Collectable, remote: RemoteInvoice, *, asked_at: datetime,
    now: datetime,
) -> None:  # fmt: skip
    """Record the provider's state; a sandbox invoice is paid at once if the client agreed to be charged."""
    invoice_id = wanted.invoice.id
    await clear_failure(session, invoice_id)
    if account.provider is None:
        await write_remote(session, invoice_id, remote, now=asked_at)
        await charge_in_sandbox(session, wanted, now=now)
    else:
        await apply_remote(session, invoice_id, remote, asked_at=asked_at, now=now)


async def note_charge(session: AsyncSession, wanted: Collectable, declined: str, *, now: datetime) -> None:
    """Write the attempt to charge, and enqueue the next one. `declined`: the reason; empty for an accepted charge."""
    wait = next_charge(wanted.row.charge_attempts, declined) if declined else None
    next_at = None if wait is None else now + wait
    await write_charge(session, wanted.invoice.id, declined, now=now, next_at=next_at)
    if wait is not None:
        _collect_after(session, wanted.invoice.id, wait)


async def note_return(session: AsyncSession, invoice_id: UUID, *, now: datetime) -> None:
    """Record the late failure of an accepted charge, such as a returned debit, and enqueue the next attempt."""
    row = await find_row(session, invoice_id)
    if row is None or row.status != RemoteStatus.OPEN or not row.charge_attempts:
        return
    if row.charge_failure or row.next_charge_at is not None:
        return  # reported by the attempt itself
    wait = next_charge(row.charge_attempts - 1)
    await write_return(session, invoice_id, next_at=None if wait is None else now + wait)
    if wait is not None:
        _collect_after(session, invoice_id, wait)


def _collect_after(session: AsyncSession, invoice_id: UUID, wait: timedelta) -> None:
    delay = wait.total_seconds() + _LATER_SECONDS
    job = NewJob(COLLECT_LANE, COLLECT, key=str(invoice_id), ref=invoice_id, payload=CollectInvoice(), delay=delay)
    enqueue(session, [job])


async def request_collection(session: AsyncSession, invoice_id: UUID) -> None:
    """Enqueue the collection of an invoice, in the client's scope; refused requests are sent again. An invoice at an
    earlier account where nothing was paid moves to the present account.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it is not finalised, clients pay outside the product, or it is at an earlier account and something was
            paid there or nothing is left to pay.
    """
    invoice = await lock_issued(session, invoice_id)
    current = await find_current_account(session)
    if current is None:
        raise Conflict(N_("Your clients pay outside the product. Set the payment account first."))
    row = await find_row(session, invoice_id)
    if row is not None and row.account_id != current[0]:
        is_charging = row.charge_attempts and not row.charge_failure and row.next_charge_at is None
        if row.provider != ProviderKind.SANDBOX and is_charging:
            raise Conflict(N_("A payment of this invoice is under way at an earlier payment account. Wait for it."))
        if row.provider != ProviderKind.SANDBOX and row.paid_minor > row.paid_outside_minor:
            raise Conflict(
                N_("Part of this invoice was paid at an earlier payment account. Collect the rest outside the product.")
            )
        if invoice.state not in COLLECTED or invoice.balance_minor <= 0:  # nor would there be at the present account
            raise Conflict(N_("Nothing is left to pay."))
        await drop_row(session, invoice_id)
    again = CollectInvoice(reopens=True)
    enqueue(session, [NewJob(COLLECT_LANE, COLLECT, key=str(invoice_id), ref=invoice_id, payload=again)])
