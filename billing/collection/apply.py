"""Applies the provider's state of an invoice to ours: records payments until the two amounts agree."""

from collections.abc import Sequence
from datetime import datetime
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
from foundation.clock import day_in
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import Conflict
from foundation.ids import new_id

METHOD: Final = ProviderKind.STRIPE.value
"""Method of payments that are recorded from the provider."""


def paid_there(remote: RemoteInvoice) -> int:
    """Amount that the provider holds for us, in minor units: less refunds, disputes and payments made elsewhere."""
    return max(0, remote.paid_minor - remote.paid_outside_minor - remote.refunded_minor - remote.disputed_minor)


class RemoteAmounts(NamedTuple):
    """Amounts of an invoice that moved at the provider so far, in minor units."""

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
    """Payments to record, by kind, receipts first. Their sum is `missing`; if the amounts that moved do not add up to
    that, as after a difference that could not be recorded, a single entry.
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
    """Apply a state of the provider's invoice, in the client's scope. False: the invoice is not the one that was
    pushed. Idempotent; a state that was requested before the applied one is ignored as out of date.

    Raises:
        NotFound: the client has no such invoice.
    """
    zone = (await lock_issued(session, invoice_id)).time_zone
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
                    day = day_in(zone, _paid_at(remote, amount, now))
                    payment = NewPayment(
                        paid_on=day, amount_minor=amount, kind=kind, method=METHOD,
                        reference=remote.number or remote.external_id, by=PAYMENT_PROVIDER,
                    )  # fmt: skip
                    await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
        except Conflict as refusal:  # void here, or taken back before
            await write_failure(session, invoice_id, NOT_RECORDED, problem=refusal.reason)
            return True
    await clear_failure(session, invoice_id, only=NOT_RECORDED)
    return True


def _paid_at(remote: RemoteInvoice, amount_minor: int, now: datetime) -> datetime:
    """Time at which the provider had received the whole amount; `now` for a part and for money taken back."""
    return min(remote.paid_at, now) if amount_minor > 0 and remote.paid_at is not None else now
