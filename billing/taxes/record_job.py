"""Job that records a finalised invoice at the tax service, and takes back what is credited or voided."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.held_calls import defer_held
from billing.payment_account.accounts import open_account
from billing.payment_account.services import PaymentServices
from billing.payments.port import OTHER_ACCOUNT, ProviderBusy
from billing.states import InvoiceState
from billing.tax_service.calculations import find_calculation, write_tax_failure, write_tax_refusal, write_transaction
from billing.tax_service.port import TaxService
from billing.taxes.calculate_job import service_of
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld


def record_handler(services: PaymentServices) -> Handler[NoPayload]:
    async def record(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        async with batch.read() as session:
            found = await _read(session, item.ref)
        if found is None:
            return
        account = await open_account(services, batch.scope)
        service, now = service_of(account), services.clock()
        batch.check_lease()
        is_own = service is not None and account is not None and account.id == found[0].account_id
        transaction_id = ""
        refusal: Conflict | None = None
        try:
            if service is not None and is_own:
                transaction_id = await _converge(service, *found)
        except (ProviderBusy, OutboundHeld) as held:
            defer_held(batch, item, held)
            return
        except Conflict as error:
            refusal = error
        async with batch.commit() as session:
            if not is_own:
                await write_tax_failure(session, item.ref, OTHER_ACCOUNT, now=now)
            elif refusal is not None:
                await write_tax_refusal(session, item.ref, refusal, now=now)
            elif found[0].transaction_id != transaction_id or found[0].failure:
                await write_transaction(session, item.ref, transaction_id, now=found[0].recorded_at or now)

    return record


async def _converge(service: TaxService, row: Row[Any], notes: list[Row[Any]]) -> str:
    """Record the invoice and its reversals, each once. Returns the id of the transaction."""
    invoice = str(row.invoice_id)
    transaction_id = await service.record(row.external_id, reference=invoice)
    for note in notes:
        await service.reverse(
            transaction_id, reference=str(note.id), gross_minor=note.gross_minor, currency=row.currency
        )
    if row.state == InvoiceState.VOID:
        await service.reverse(transaction_id, reference=f"{invoice}:void", gross_minor=None, currency=row.currency)
    return transaction_id


async def _read(session: AsyncSession, invoice_id: UUID) -> tuple[Row[Any], list[Row[Any]]] | None:
    """The calculation of a finalised invoice of a positive amount, with its credit notes; None without one."""
    if await find_calculation(session, invoice_id) is None:
        return None
    keys = {"t": scope_of(session).tenant_id, "id": invoice_id}
    row = (await session.execute(_INVOICE, keys)).one_or_none()
    return None if row is None else (row, list((await session.execute(_NOTES, keys)).all()))


_INVOICE = text("""
    SELECT c.*, i.currency, i.state FROM tax_calculation c
      JOIN invoice i ON i.tenant_id = c.tenant_id AND i.id = c.invoice_id
      JOIN issued_invoice x ON x.tenant_id = c.tenant_id AND x.invoice_id = c.invoice_id
     WHERE c.tenant_id = :t AND c.invoice_id = :id AND x.net_minor > 0
       AND x.snapshot ->> 'tax_calculation' = c.external_id
""")
_NOTES = text("""
    SELECT id, gross_minor FROM credit_note WHERE tenant_id = :t AND invoice_id = :id AND gross_minor > 0
     ORDER BY created_at, id
""")
