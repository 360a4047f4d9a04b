"""What the provider tells of an invoice, applied to ours: payments are recorded until both agree."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.settle import NewPayment, record_payment
from billing.invoices.steps import lock_issued
from billing.payment_account.states import ProviderKind
from billing.payments.port import NOT_RECORDED, RemoteInvoice
from billing.payments.provider_invoices import clear_failure, find_row, write_failure, write_remote
from billing.states import PaymentKind
from foundation.actor_labels import PAYMENT_PROVIDER
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import Conflict
from foundation.ids import new_id

METHOD: Final = ProviderKind.STRIPE.value
"""Of the payments that are recorded from the provider."""


def paid_there(remote: RemoteInvoice) -> int:
    """What the provider holds for us, in minor units: without what was refunded, is disputed or was paid elsewhere."""
    return max(0, remote.paid_minor - remote.paid_outside_minor - remote.refunded_minor - remote.disputed_minor)


class RemoteAmounts(NamedTuple):
    """What the provider moved of an invoice so far, in minor units."""

    paid: int
    refunded: int
    disputed: int

    @classmethod
    def before(cls, row: Row[Any]) -> Self:
        return cls(row.paid_minor - row.paid_outside_minor, row.refunded_minor, row.disputed_minor)

    @classmethod
    def now(cls, remote: RemoteInvoice) -> Self:
        return cls(remote.paid_minor - remote.paid_outside_minor, remote.refunded_minor, remote.disputed_minor)


def split_difference(missing: int, before: RemoteAmounts, after: RemoteAmounts) -> Sequence[tuple[PaymentKind, int]]:
    """What is to be recorded, by kind, what is received first. One payment if what moved since does not explain it,
    such as after a difference that could not be recorded.
    """
    withdrawn = after.disputed - before.disputed
    parts = [
        (PaymentKind.PAYMENT, after.paid - before.paid),
        (PaymentKind.DISPUTE_WITHDRAWN if withdrawn > 0 else PaymentKind.DISPUTE_RETURNED, -withdrawn),
        (PaymentKind.REFUND, before.refunded - after.refunded),
    ]
    moved = sorted((part for part in parts if part[1]), key=lambda part: part[1] < 0)
    if sum(amount for _, amount in moved) == missing:
        return moved
    # All of a payment may be disputed of which a part is refunded: no more is withdrawn here than was there.
    only = moved[0] if len(moved) == 1 else (PaymentKind.PAYMENT, missing)
    return [(only[0] if (only[1] < 0) == (missing < 0) else PaymentKind.PAYMENT, missing)]


async def apply_remote(
    session: AsyncSession, invoice_id: UUID, remote: RemoteInvoice, *, asked_at: datetime, now: datetime
) -> bool:
    """In the client's scope. False: the invoice is not the one that was pushed. Repeated calls change nothing; what was
    asked for before the state that is applied already is out of date, and left out.

    Raises:
        NotFound: the client has no such invoice.
    """
    await lock_issued(session, invoice_id)
    row = await find_row(session, invoice_id)
    if row is None or (row.external_id and row.external_id != remote.external_id):
        return False
    if row.read_at is not None and row.read_at > asked_at:
        return True
    await write_remote(session, invoice_id, remote, now=asked_at)
    recorded = await session.scalar(
        text("""
            SELECT coalesce(sum(amount_minor), 0)::bigint FROM invoice_payment
             WHERE tenant_id = :t AND invoice_id = :id AND method = :method
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "method": METHOD},
    )
    missing = paid_there(remote) - int(recorded or 0)
    if missing:
        try:
            async with savepoint(session):
                for kind, amount in split_difference(missing, RemoteAmounts.before(row), RemoteAmounts.now(remote)):
                    payment = NewPayment(
                        paid_on=_paid_on(remote, amount, now), amount_minor=amount, kind=kind, method=METHOD,
                        reference=remote.number or remote.external_id, by=PAYMENT_PROVIDER,
                    )  # fmt: skip
                    await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
        except Conflict as refusal:  # void here, or taken back before
            await write_failure(session, invoice_id, NOT_RECORDED, problem=refusal.reason)
            return True
    await clear_failure(session, invoice_id, only=NOT_RECORDED)
    return True


def _paid_on(remote: RemoteInvoice, amount_minor: int, now: datetime) -> date:
    """The day on which the provider had all; that of `now` for a part, and for what is taken back."""
    return min(remote.paid_at, now).date() if amount_minor > 0 and remote.paid_at is not None else now.date()
