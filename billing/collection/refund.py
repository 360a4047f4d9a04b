"""Refund of a paid invoice: a credit note whose amount the payment provider pays back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.balance import load_waiting_refunds
from billing.invoices.settle import NewCredit, NewPayment, create_credit_note, record_payment
from billing.invoices.steps import lock_issued
from billing.payment_account.current import find_current_account
from billing.payment_account.states import ProviderKind
from billing.payments.provider_invoices import find_row
from billing.payments.states import RemoteStatus
from billing.states import PaymentKind
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.marks import N_


async def refund_invoice(
    session: AsyncSession, invoice_id: UUID, *, reason: str, net_minor: int | None, now: datetime
) -> UUID:
    """Create the credit note, in the client's scope, and return its id. A job sends the refund to the provider, whose
    webhook reports the payment; in the sandbox the refund is recorded at once.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it was not paid at the present payment account, or less than that was, or is left to credit.
        InvalidInput: names the field.
    """
    await lock_issued(session, invoice_id)
    row, current = await find_row(session, invoice_id), await find_current_account(session)
    if row is None or current is None or row.account_id != current[0] or row.status != RemoteStatus.PAID:
        raise Conflict(N_("Only payments at the current payment account can be refunded."))
    left = await _refundable(session, invoice_id, row.provider)
    note_id = await create_credit_note(
        session, invoice_id, NewCredit(reason=reason, net_minor=net_minor, refunds=True), now=now, new_id=new_id
    )
    found = await session.scalar(
        text("SELECT gross_minor FROM credit_note WHERE tenant_id = :t AND id = :id"),
        {"t": scope_of(session).tenant_id, "id": note_id},
    )
    gross = int(found or 0)
    if gross > left:
        raise Conflict(N_("Less than that was paid at the payment provider."))
    if row.provider == ProviderKind.SANDBOX:
        back = NewPayment(amount_minor=-gross, reference="sandbox", method=row.provider, kind=PaymentKind.REFUND)
        await record_payment(session, invoice_id, back, now=now, new_id=new_id)
    return note_id


async def _refundable(session: AsyncSession, invoice_id: UUID, provider: str) -> int:
    """Amount recorded as paid by that provider, less refunds that are requested and not made yet, in minor units."""
    paid = await session.scalar(
        text("""
            SELECT coalesce(sum(amount_minor), 0)::bigint FROM invoice_payment
             WHERE tenant_id = :t AND invoice_id = :id AND method = :method
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "method": provider},
    )
    return int(paid or 0) - await load_waiting_refunds(session, invoice_id)
