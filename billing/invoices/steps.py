"""Steps of an invoice: `write_step` writes the row, the audit entry and the event, and moves the state."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.events import INVOICE_MOVED, InvoiceMoved
from billing.invoices.notices import notify_step
from billing.sides import Side
from billing.states import INVOICES, OPEN, InvoiceState, PaymentKind
from foundation.audit.chain import append_audit
from foundation.clock import day_in
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.events import DomainEvent, publish
from foundation.ids import NewId
from foundation.marks import N_


class StepCause(StrEnum):
    """Cause of an invoice's step."""

    FINALISED = "finalised"
    SENT = "sent"
    PAYMENT = PaymentKind.PAYMENT.value
    REFUND = PaymentKind.REFUND.value
    DISPUTE_WITHDRAWN = PaymentKind.DISPUTE_WITHDRAWN.value
    DISPUTE_RETURNED = PaymentKind.DISPUTE_RETURNED.value
    CREDIT_NOTE = "credit_note"
    DUE_DAY = "due_day"
    REMINDER = "reminder"
    SUSPENDED = "suspended"
    WRITTEN_OFF = "written_off"
    VOIDED = "voided"


CAUSE_LABELS: Final = {
    StepCause.FINALISED: N_("Finalised"),
    StepCause.SENT: N_("Sent"),
    **{StepCause(kind.value): kind.label for kind in PaymentKind},
    StepCause.CREDIT_NOTE: N_("Credit note"),
    StepCause.DUE_DAY: N_("Due day passed"),
    StepCause.REMINDER: N_("Reminder"),
    StepCause.SUSPENDED: N_("Suspended"),
    StepCause.WRITTEN_OFF: N_("Written off"),
    StepCause.VOIDED: N_("Voided"),
}


def step_label(cause: str, amount_minor: int) -> str:
    """Label of a cause, to be translated."""
    if cause in {kind.value for kind in PaymentKind}:
        return PaymentKind.of(cause).label_of(amount_minor)
    return CAUSE_LABELS[StepCause(cause)]


@dataclass(frozen=True, slots=True)
class Issued:
    """A fixed invoice with its paid and credited amounts, in minor units."""

    id: UUID
    side: Side
    state: InvoiceState
    number: str | None
    due_on: date | None
    currency: str
    net_minor: int
    gross_minor: int
    paid_minor: int
    credited_minor: int
    dunning_level: int
    time_zone: str
    """The legal entity's at the time of issue, for due days and days of payment."""

    def day_of(self, now: datetime) -> date:
        return day_in(self.time_zone, now)

    @property
    def balance_minor(self) -> int:
        """Amount left to pay; negative if overpaid."""
        return self.gross_minor - self.credited_minor - self.paid_minor


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to write. `paid_minor`, `credited_minor` and `dunning_level` are the invoice's new values. `actor`: if not
    the transaction's.
    """

    cause: StepCause
    state: InvoiceState
    amount_minor: int = 0
    note: str = ""
    paid_minor: int | None = None
    credited_minor: int | None = None
    dunning_level: int | None = None
    actor: str = ""


async def lock_issued(session: AsyncSession, invoice_id: UUID, side: Side = Side.RETAIL) -> Issued:
    """The fixed invoice of the scope's account, locked until the transaction ends.

    Raises:
        NotFound: the account has no such invoice.
        Conflict: it is not finalised.
    """
    row = (
        await session.execute(
            text("""
                SELECT i.id, i.side, i.state, x.number, x.due_on, i.currency, x.net_minor, x.gross_minor,
                       i.paid_minor, i.credited_minor, i.dunning_level,
                       coalesce(x.snapshot ->> 'time_zone', 'UTC') AS time_zone
                  FROM invoice i LEFT JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
                 WHERE i.tenant_id = :tenant AND i.id = :id AND i.side = :side FOR UPDATE OF i
            """),
            {"tenant": scope_of(session).tenant_id, "id": invoice_id, "side": side.value},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.state in OPEN or row.net_minor is None:
        raise Conflict(N_("This invoice is still a draft. Finalise it first."))
    return Issued(**{**row._mapping, "side": Side(row.side), "state": InvoiceState(row.state)})  # noqa: SLF001


async def write_step(session: AsyncSession, invoice: Issued, step: NewStep, *, now: datetime, new_id: NewId) -> None:
    """Write the step. The caller has checked that the new state may follow the present one."""
    scope = scope_of(session)
    state = INVOICES.move(invoice.state, step.state)
    keys = {"tenant": scope.tenant_id, "msp": scope.msp_id, "invoice": invoice.id, "now": now}
    await session.execute(
        text("""
            UPDATE invoice SET state = :state, paid_minor = :paid, credited_minor = :credited,
                   dunning_level = :level, updated_at = :now
             WHERE tenant_id = :tenant AND id = :invoice
        """),
        keys | {
            "state": state.value,
            "paid": invoice.paid_minor if step.paid_minor is None else step.paid_minor,
            "credited": invoice.credited_minor if step.credited_minor is None else step.credited_minor,
            "level": invoice.dunning_level if step.dunning_level is None else step.dunning_level,
        },
    )  # fmt: skip
    await record_step(session, invoice.id, invoice.side, (invoice.state, step), now=now, new_id=new_id)
    if invoice.side is Side.RETAIL:
        notify_step(session, invoice.id, invoice.number, cause=step.cause.value, now=now)


async def record_step(  # noqa: PLR0913 - one row
    session: AsyncSession, invoice_id: UUID, side: Side, step: tuple[str, NewStep], *, now: datetime, new_id: NewId
) -> None:
    """Write the row, the audit entry and the event of a step from a state. Steps of the wholesale side are kept out of
    the client's audit trail and webhooks.
    """
    scope, (before, done) = scope_of(session), step
    await session.execute(
        text("""
            INSERT INTO invoice_step (tenant_id, msp_id, id, invoice_id, side, at, actor, cause, state_before,
                                      state_after, amount_minor, note)
            VALUES (:tenant, :msp, :id, :invoice, :side, :now, :actor, :cause, :before, :after, :amount, :note)
        """),
        {
            "tenant": scope.tenant_id, "msp": scope.msp_id, "id": new_id(), "invoice": invoice_id, "side": side.value,
            "now": now, "actor": done.actor or scope.actor.name, "cause": done.cause.value, "before": before,
            "after": done.state.value, "amount": done.amount_minor, "note": done.note,
        },
    )  # fmt: skip
    if side is Side.WHOLESALE and scope.tenant_id != scope.msp_id:
        return
    if done.cause is not StepCause.FINALISED:
        data = {"cause": done.cause, "state": done.state, "amount_minor": done.amount_minor, "note": done.note}
        append_audit(session, action=BillingAction.INVOICE_MOVED, subject=f"invoice:{invoice_id}", data=data, at=now)
    moved = InvoiceMoved(done.cause.value, done.state.value, done.amount_minor)
    publish(session, DomainEvent(INVOICE_MOVED, invoice_id, now, moved))
