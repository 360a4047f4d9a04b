"""Acts on a finalised invoice: send, record payments, credit, suspend, write off and void."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.creditable import find_creditable
from billing.invoices.mailing import mail_invoice
from billing.invoices.release import release_usage
from billing.invoices.steps import Issued, NewStep, StepCause, lock_issued, write_step
from billing.job_types import LANE, MAKE_DOCUMENTS
from billing.legal_entities.repository import find_issuer, take_number
from billing.legal_entities.tax import TaxRule, credited_tax
from billing.sides import Side, as_rater
from billing.snapshot import credited_nets, decode_snapshot
from billing.states import INVOICES, UNPAID, InvoiceState, PaymentKind
from billing.wallets.fees import settle_top_up
from billing.wallets.ledger import restore_credit
from billing.wallets.states import BALANCE
from canonical.money import LARGEST
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason
from foundation.web.lists import check_exact


class InvoiceAct(StrEnum):
    """Sending and reminding mail the invoice; the others only change the state."""

    SEND = "send"
    REMIND = "remind"
    SUSPEND = "suspend"
    WRITE_OFF = "write_off"
    VOID = "void"


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment on a day by the issuer's calendar, or today, in minor units; a negative amount takes one back.
    `method`: manual, balance or a provider's name. `by`: the actor, if not the transaction's.
    """

    amount_minor: int
    paid_on: date | None = None
    reference: str = ""
    method: str = "manual"
    kind: PaymentKind = PaymentKind.PAYMENT
    by: str = ""


class NewCredit(msgspec.Struct, frozen=True, kw_only=True):
    """Amount to credit: `lines`, net amounts by line; or `net_minor`; without both, all that is left. `refunds`: the
    payment provider pays it back.
    """

    reason: str
    net_minor: int | None = None
    lines: Mapping[UUID, int] = {}
    refunds: bool = False


_ACTS: Final = {
    InvoiceAct.SEND: (StepCause.SENT, InvoiceState.SENT),
    InvoiceAct.REMIND: (StepCause.REMINDER, InvoiceState.OVERDUE),
    InvoiceAct.SUSPEND: (StepCause.SUSPENDED, InvoiceState.SUSPENDED),
    InvoiceAct.WRITE_OFF: (StepCause.WRITTEN_OFF, InvoiceState.WRITTEN_OFF),
    InvoiceAct.VOID: (StepCause.VOIDED, InvoiceState.VOID),
}
_MAILS: Final = (InvoiceAct.SEND, InvoiceAct.REMIND)
_LATE: Final = (InvoiceState.OVERDUE, InvoiceState.SUSPENDED)


def state_after(act: InvoiceAct, state: InvoiceState) -> InvoiceState | None:
    """The state after the act; None if the state does not allow it. An unpaid invoice can be sent again."""
    following = _ACTS[act][1]
    if act is InvoiceAct.REMIND or (act is InvoiceAct.SEND and state is not InvoiceState.FINALISED):
        return state if state in (_LATE if act is InvoiceAct.REMIND else UNPAID) else None
    return following if following in INVOICES.transitions[state] else None


async def act_on_invoice(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, invoice_id: UUID, act: InvoiceAct, *, reason: str = "", now: datetime, new_id: NewId
) -> None:
    """Do one of the acts, in the client's scope. Sending and reminding need no reason; they mail the invoice to the
    billing contact, whose address the step notes. Without an address, an invoice is only marked as sent.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: its state does not allow it; something of it is paid or credited and it is to be voided; or there is
            no address, or no document, to remind or to send it again.
        InvalidInput: the reason is missing.
    """
    invoice = await lock_issued(session, invoice_id)
    if act is InvoiceAct.VOID:
        clean_reason(reason)
        invoice = await _give_back(session, invoice, invoice.paid_minor, now=now, new_id=new_id)
    state = state_after(act, invoice.state)
    note = "" if act in _MAILS else clean_reason(reason)
    if state is None:
        raise Conflict(N_("The invoice's state does not allow this. Reload the page."))
    if act is InvoiceAct.VOID and (invoice.paid_minor or invoice.credited_minor):
        raise Conflict(N_("Part of this invoice is paid or credited. Correct it by a credit note."))
    if act in _MAILS and not invoice.number and invoice.state is not InvoiceState.FINALISED:
        raise Conflict(N_("This invoice has no number, so there is no document to mail."))
    if act in _MAILS:
        note = await mail_invoice(session, invoice, is_reminder=act is InvoiceAct.REMIND)
        if not note and invoice.state is not InvoiceState.FINALISED:
            raise Conflict(N_("There is no address to mail it to. Enter one in the billing details, and try again."))
    await write_step(session, invoice, NewStep(_ACTS[act][0], state, note=note), now=now, new_id=new_id)
    if act is InvoiceAct.VOID:
        await release_usage(session, invoice)


async def record_payment(
    session: AsyncSession, invoice_id: UUID, payment: NewPayment, *, now: datetime, new_id: NewId
) -> Issued:
    """Record a payment, in the client's scope, and return the invoice as it was before. An amount beyond the balance is
    kept for later invoices.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it is void, or more would be taken back than was paid.
        InvalidInput: names the field.
    """
    invoice = await lock_issued(session, invoice_id)
    today = invoice.day_of(now)
    _check_payment(invoice, payment, today)
    scope, paid = scope_of(session), invoice.paid_minor + payment.amount_minor
    await session.execute(
        text("""
            INSERT INTO invoice_payment (tenant_id, msp_id, id, invoice_id, side, paid_on, amount_minor, kind, method,
                                         reference, recorded_at, recorded_by)
            VALUES (:tenant, :msp, :id, :invoice, :side, :paid_on, :amount, :kind, :method, :reference, :now, :actor)
        """),
        {
            "tenant": scope.tenant_id, "msp": scope.msp_id, "id": new_id(), "invoice": invoice.id,
            "side": invoice.side.value, "paid_on": payment.paid_on or today, "amount": payment.amount_minor,
            "kind": payment.kind.value, "method": payment.method, "reference": payment.reference.strip(), "now": now,
            "actor": payment.by or scope.actor.name,
        },
    )  # fmt: skip
    state = _settled(invoice, paid, invoice.credited_minor, today)
    step = NewStep(
        StepCause(payment.kind.value), state, payment.amount_minor, payment.reference.strip(), paid_minor=paid,
        actor=payment.by,
    )  # fmt: skip
    await write_step(session, invoice, step, now=now, new_id=new_id)
    await _settle_top_up(session, invoice, state, now=now, new_id=new_id)
    return invoice


async def _settle_top_up(
    session: AsyncSession, invoice: Issued, state: InvoiceState, *, now: datetime, new_id: NewId
) -> None:
    """Grant the credit that the invoice buys while it is paid, less credit notes. `state`: the invoice's new one."""
    is_paid = state is InvoiceState.PAID and invoice.credited_minor < invoice.gross_minor
    await settle_top_up(session, invoice.id, invoice.currency, is_paid=is_paid, now=now, new_id=new_id)


async def _give_back(
    session: AsyncSession, invoice: Issued, most_minor: int, *, now: datetime, new_id: NewId
) -> Issued:
    """Return the credit that the invoice used to the client's balance, at most `most_minor`; returns the updated
    invoice.
    """
    back = await restore_credit(session, invoice.id, most_minor, now=now, new_id=new_id) if most_minor > 0 else 0
    if not back:
        return invoice
    payment = NewPayment(amount_minor=-back, method=BALANCE)
    await record_payment(session, invoice.id, payment, now=now, new_id=new_id)
    return await lock_issued(session, invoice.id, invoice.side)


async def create_credit_note(
    session: AsyncSession, invoice_id: UUID, credit: NewCredit, *, now: datetime, new_id: NewId
) -> UUID:
    """Credit a part of an invoice or all of it, in the client's scope, with its part of the tax.

    Raises:
        NotFound: the client has no such invoice.
        Conflict: it is void or written off, or less is left to credit: later invoices gave back for its time, too.
        InvalidInput: names the field.
    """
    reason = clean_reason(credit.reason)
    invoice = await lock_issued(session, invoice_id)
    if invoice.state in {InvoiceState.VOID, InvoiceState.WRITTEN_OFF}:
        raise Conflict(N_("The invoice's state does not allow this. Reload the page."))
    net = await find_creditable(session, invoice, credit.lines, credit.net_minor)
    tax, number_format = await _tax_of_credit(session, invoice, net, credit.lines)
    scope, note_id, today = scope_of(session), new_id(), invoice.day_of(now)
    async with as_rater(session):
        number = await take_number(session, invoice.side, number_format, today) if number_format else None
        await session.execute(
            _INSERT_CREDIT,
            {
                "tenant": scope.tenant_id, "msp": scope.msp_id, "id": note_id, "invoice": invoice.id,
                "side": invoice.side.value, "number": number, "on": today, "net": net, "tax": tax,
                "gross": net + tax, "reason": reason, "now": now, "actor": scope.actor.name,
                "refunds": credit.refunds,
                "lines": msgspec.json.encode({str(key): amount for key, amount in credit.lines.items()}).decode(),
            },
        )  # fmt: skip
    if number:
        enqueue(session, [NewJob(LANE, MAKE_DOCUMENTS, key=str(note_id), ref=note_id)])
    credited = invoice.credited_minor + net + tax
    state = _settled(invoice, invoice.paid_minor, credited, today)
    step = NewStep(StepCause.CREDIT_NOTE, state, net + tax, number or reason, credited_minor=credited)
    await write_step(session, invoice, step, now=now, new_id=new_id)
    invoice = await lock_issued(session, invoice_id)
    if not credit.refunds:  # the provider pays that back
        invoice = await _give_back(session, invoice, -invoice.balance_minor, now=now, new_id=new_id)
    await _settle_top_up(session, invoice, invoice.state, now=now, new_id=new_id)
    return note_id


_INSERT_CREDIT = text("""
    INSERT INTO credit_note (tenant_id, msp_id, id, invoice_id, side, number, issued_on, net_minor, tax_minor,
                             gross_minor, lines, refunds, reason, created_at, created_by)
    VALUES (:tenant, :msp, :id, :invoice, :side, :number, :on, :net, :tax, :gross, CAST(:lines AS jsonb), :refunds,
            :reason, :now, :actor)
""")


def parse_minor(typed: str, exponent: int, *, field: str) -> int:
    """An amount such as 12.50 in minor units.

    Raises:
        InvalidInput: another text, or more digits than the currency has.
    """
    number = typed.strip().replace(",", ".")
    whole, _, decimals = number.lstrip("-").partition(".")
    if not (number and whole.isascii() and whole.isdigit() and len(number) < 18) or (
        (decimals or "." in number) and not (decimals.isascii() and decimals.isdigit() and len(decimals) <= exponent)
    ):
        raise InvalidInput(N_("Enter an amount such as 12.50."), field=field)
    return int(Decimal(number).scaleb(exponent))


def _check_payment(invoice: Issued, payment: NewPayment, today: date) -> None:
    check_exact(payment.reference, "reference")
    if not payment.amount_minor or abs(payment.amount_minor) > LARGEST // 1000:
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="amount")
    if payment.paid_on is not None and payment.paid_on > today:
        raise InvalidInput(N_("A payment cannot be in the future."), field="paid_on")
    if invoice.state is InvoiceState.VOID:
        raise Conflict(N_("This invoice is void, so nothing is paid on it."))
    if invoice.gross_minor < 0 < invoice.paid_minor + payment.amount_minor:
        raise Conflict(N_("A credit note is paid back. Enter the amount with a minus."))
    if invoice.paid_minor + payment.amount_minor < min(0, invoice.gross_minor):  # a credit note may be paid back
        raise Conflict(N_("More would be taken back than was paid."))


def _settled(invoice: Issued, paid: int, credited: int, today: date) -> InvoiceState:
    """State after these payments and credits. If all payments are taken back: sent, or overdue."""
    left = invoice.gross_minor - credited - paid
    if invoice.gross_minor < 0 and left < 0:  # a credit note that is not fully paid back yet
        return InvoiceState.PARTLY_PAID if paid else invoice.state
    if left <= 0:
        return InvoiceState.PAID
    if invoice.state in {InvoiceState.PAID, InvoiceState.PARTLY_PAID}:
        if invoice.due_on is not None and invoice.due_on < today:
            return InvoiceState.OVERDUE
        return InvoiceState.PARTLY_PAID if paid else InvoiceState.SENT
    reached = invoice.state in {InvoiceState.OVERDUE, InvoiceState.SUSPENDED, InvoiceState.WRITTEN_OFF}
    return invoice.state if reached or not paid or invoice.state not in UNPAID else InvoiceState.PARTLY_PAID


async def _tax_of_credit(
    session: AsyncSession, invoice: Issued, net: int, lines: Mapping[UUID, int]
) -> tuple[int, str]:
    """The credit's part of the tax, and the number format; no tax and no format if the invoice has no number."""
    keys = {"tenant": scope_of(session).tenant_id, "invoice": invoice.id}
    document = decode_snapshot(await session.scalar(_SNAPSHOT, keys))
    if document is None:
        return 0, ""
    before: dict[TaxRule, int] = {}
    for row in await session.execute(_EARLIER_CREDITS, keys):
        earlier = {UUID(key): int(amount) for key, amount in row.lines.items()}
        for rule, minor in credited_nets(document, row.net_minor, earlier, before).items():
            before[rule] = before.get(rule, 0) + minor
    async with as_rater(session):
        issuer = await find_issuer(session, Side(invoice.side))
    tax = credited_tax(document.taxes, credited_nets(document, net, lines, before), before)
    return tax, issuer.entity.credit_note_format if issuer else ""


_SNAPSHOT = text("SELECT snapshot FROM issued_invoice WHERE tenant_id = :tenant AND invoice_id = :invoice")
_EARLIER_CREDITS = text("""
    SELECT net_minor, lines FROM credit_note WHERE tenant_id = :tenant AND invoice_id = :invoice ORDER BY created_at, id
""")
