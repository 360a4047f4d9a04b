"""Charging a client's saved payment method for a sent invoice, as the client agreed.

At first when the invoice is at the provider, then 3, 5 and 7 days after a decline. The payer may pay at any time.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.prepare import Collectable
from billing.invoices.settle import NewPayment, record_payment
from billing.invoices.steps import lock_issued
from billing.payment_account.states import ProviderKind
from billing.payments.port import PaymentProvider, ProviderRefused, RemoteInvoice
from billing.payments.states import NEEDS_CONFIRMATION, RemoteStatus
from foundation.ids import new_id

RETRIES: Final = (timedelta(days=3), timedelta(days=5), timedelta(days=7))
"""Time to the next attempt, after each decline."""


_TO_CONFIRM: Final = frozenset({
    "authentication_required", "invoice_payment_intent_requires_action", "payment_intent_action_required",
    "subscription_payment_intent_requires_action",
})  # fmt: skip
"""The provider's codes of a charge that the bank accepts only from the payer in person."""


def next_charge(attempts: int, declined: str = "") -> timedelta | None:
    """Time to the attempt after one more decline; None if there is none. A charge that the payer has to confirm is not
    repeated: without the payer the bank would refuse it again.
    """
    if declined == NEEDS_CONFIRMATION:
        return None
    return RETRIES[attempts] if attempts < len(RETRIES) else None


async def charge(
    provider: PaymentProvider | None, wanted: Collectable, remote: RemoteInvoice
) -> tuple[RemoteInvoice, str | None]:
    """Charge an attempt that is due. Returns the invoice afterwards, and the reason of a decline: empty if the charge
    was accepted, None if nothing was charged.

    Raises:
        ProviderRefused: the provider refused the request itself.
        ProviderUncertain, ProviderBusy, OutboundHeld: call it again.
    """
    left = remote.total_minor - remote.paid_minor - remote.credited_minor
    if provider is None or not wanted.charges or remote.status != RemoteStatus.OPEN:
        return remote, None
    if left != wanted.invoice.balance_minor or left <= 0:
        return remote, None
    try:
        attempt = int(wanted.row.charge_attempts) + 1
        return await provider.collect(wanted.invoice.id, remote.external_id, attempt=attempt), ""
    except ProviderRefused as refused:
        if not refused.is_lasting:
            raise
        after = await provider.read_invoice(remote.external_id)
        if refused.provider_code in _TO_CONFIRM:
            return after or remote, NEEDS_CONFIRMATION
        return after or remote, refused.answer or refused.provider_code or "declined"


async def charge_in_sandbox(session: AsyncSession, wanted: Collectable, *, now: datetime) -> None:
    """Record a payment of the balance, as a charge of the sandbox's saved card would."""
    invoice = await lock_issued(session, wanted.invoice.id)
    if wanted.charges and invoice.balance_minor > 0:
        method = ProviderKind.SANDBOX.value
        payment = NewPayment(
            amount_minor=invoice.balance_minor, reference="sandbox", method=method
        )  # fmt: skip
        await record_payment(session, invoice.id, payment, now=now, new_id=new_id)
