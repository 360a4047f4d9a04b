"""Invoices and a client's credit: invoices are paid from the credit, and overpaid or over-credited amounts are added to
it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.settle import NewPayment, record_payment
from billing.invoices.steps import lock_issued
from billing.payment_account.states import ProviderKind
from billing.payments.provider_invoices import find_row
from billing.states import InvoiceState
from billing.wallets.fees import bought_credit
from billing.wallets.ledger import GrantedCredit, draw_credit, grant_credit
from billing.wallets.states import BALANCE, GrantKind
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.ids import NewId
from foundation.marks import N_


async def use_balance(session: AsyncSession, invoice_id: UUID, *, now: datetime, new_id: NewId) -> int:
    """Pay the balance of an invoice from the client's credit as far as that suffices, in the client's scope. Returns
    the amount in minor units; 0 if nothing is left to pay or there is no credit in the currency. Granted and bought
    credit does not pay for the invoice's top-up lines, which would only extend its expiry.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it is not finalised.
    """
    invoice = await lock_issued(session, invoice_id)
    if invoice.balance_minor <= 0 or invoice.state is InvoiceState.VOID:
        return 0
    bought = await bought_credit(session, invoice_id)
    drawn = await draw_credit(
        session, invoice.currency, invoice.balance_minor, invoice_id, bought_minor=bought, now=now, new_id=new_id
    )
    if drawn:
        payment = NewPayment(amount_minor=drawn, method=BALANCE)
        await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
    return drawn


async def pay_from_balance(session: AsyncSession, invoice_id: UUID, *, now: datetime, new_id: NewId) -> int:
    """As `use_balance`, for a person.

    Raises:
        NotFound, Conflict: as there; nothing is left to pay, or there is no credit in its currency.
    """
    drawn = await use_balance(session, invoice_id, now=now, new_id=new_id)
    if not drawn:
        raise Conflict(N_("Nothing is left to pay, or there is no credit in this currency."))
    return drawn


async def load_waiting_refunds(session: AsyncSession, invoice_id: UUID) -> int:
    """Refunds requested from the payment provider and not made yet, in minor units; refunds started at the provider
    itself do not count. 0 in the sandbox.
    """
    row = await find_row(session, invoice_id)
    if row is None or row.provider == ProviderKind.SANDBOX:
        return 0
    asked = await session.scalar(
        text("""
            SELECT coalesce(sum(gross_minor), 0)::bigint FROM credit_note
             WHERE tenant_id = :t AND invoice_id = :id AND refunds
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    return max(0, int(asked or 0) - int(row.refunded_here_minor))


async def keep_on_balance(session: AsyncSession, invoice_id: UUID, *, now: datetime, new_id: NewId) -> int:
    """Add the invoice's overpaid or over-credited amount, or that of a credit note, to the client's credit, in the
    client's scope. Returns the amount in minor units.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it is not finalised, it is void, or there is nothing to give back.
    """
    invoice = await lock_issued(session, invoice_id)
    over = -invoice.balance_minor - await load_waiting_refunds(session, invoice_id)
    if over <= 0 or invoice.state is InvoiceState.VOID:
        raise Conflict(N_("There is nothing to give back."))
    payment = NewPayment(amount_minor=-over, method=BALANCE)
    await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
    is_credit = invoice.gross_minor < 0 or invoice.credited_minor > 0
    grant = GrantedCredit(
        kind=GrantKind.CREDIT_NOTE if is_credit else GrantKind.OVERPAYMENT, currency=invoice.currency,
        amount_minor=over, reason=invoice.number or "", invoice_id=invoice_id,
    )  # fmt: skip
    await grant_credit(session, grant, now=now, new_id=new_id)
    return over
