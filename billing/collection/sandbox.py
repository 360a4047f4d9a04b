"""Payment in the sandbox: recorded as if a provider had reported it, though no money moves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.settle import NewPayment, record_payment
from billing.invoices.steps import lock_issued
from billing.payment_account.current import find_current_account
from billing.payment_account.states import ProviderKind
from billing.payments.provider_invoices import find_row
from billing.payments.states import RemoteStatus
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.marks import N_


async def pay_in_sandbox(session: AsyncSession, invoice_id: UUID, *, now: datetime) -> None:
    """Pay all that is left, in the client's scope.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: the invoice is not, or no longer, collected by the sandbox, or nothing is left to pay.
    """
    invoice = await lock_issued(session, invoice_id)
    row = await find_row(session, invoice_id)
    current = await find_current_account(session)
    if row is None or current != (row.account_id, ProviderKind.SANDBOX) or row.status != RemoteStatus.OPEN:
        raise Conflict(N_("This invoice cannot be paid in the sandbox."))
    if invoice.balance_minor <= 0:
        raise Conflict(N_("Nothing is left to pay."))
    payment = NewPayment(amount_minor=invoice.balance_minor, reference="sandbox", method=ProviderKind.SANDBOX.value)
    await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
