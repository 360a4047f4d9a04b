"""Input of a collection, read in the client's scope before any request is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.steps import Issued, lock_issued
from billing.legal_entities.repository import find_billing_details
from billing.legal_entities.tax import TaxAmount, credited_tax, tax_of
from billing.line_kinds import LineKind, describe_line
from billing.payment_account.services import OpenAccount
from billing.payment_methods.profiles import may_charge
from billing.payments.port import OTHER_ACCOUNT, PayingClient, PushedCredit, PushedInvoice, PushedLine, PushedTax
from billing.payments.provider_invoices import add_row, find_row, write_failure
from billing.payments.states import RemoteStatus
from billing.snapshot import InvoiceSnapshot, decode_snapshot
from billing.states import InvoiceState
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_
from tenants.accounts import get_client

COLLECTED: Final = (InvoiceState.SENT, InvoiceState.PARTLY_PAID, InvoiceState.OVERDUE, InvoiceState.SUSPENDED)
_MOVE_TEXT: Final = N_("Ask the payment provider again: the invoice then moves to the current account.")
_OVER: Final = (RemoteStatus.PAID, RemoteStatus.VOID)
_SETTLED_TEXT: Final = N_("Paid or credited before")

_TAX_TEXT: Final = N_("VAT")


@dataclass(frozen=True, slots=True)
class Collectable:
    """An invoice with its row in `provider_invoice`. `credits`: the credit notes made since the push. `charges`: the
    client agreed that the saved payment method is charged, and an attempt is due.
    """

    invoice: Issued
    row: Row[Any]
    payer: PayingClient
    pushed: PushedInvoice
    credits: Sequence[PushedCredit]
    charges: bool = False


async def prepare(
    session: AsyncSession, account: OpenAccount, invoice_id: UUID, *, now: datetime
) -> Collectable | None:
    """Read the input, and write the invoice's row first, so that each attempt sends the same content. None if there is
    nothing to collect: no retail invoice, not sent, nothing left to pay, or pushed to an earlier account, which is
    recorded as a failure.
    """
    try:
        invoice = await lock_issued(session, invoice_id)
    except (NotFound, Conflict):
        return None
    row = await find_row(session, invoice_id)
    if row is None:
        if invoice.state not in COLLECTED or invoice.balance_minor <= 0:
            return None
        settled = invoice.paid_minor + invoice.credited_minor
        notes = [one.note_id for one in await _credits(session, invoice_id, ())]
        await add_row(
            session, invoice_id, account_id=account.id, provider=account.kind.value, settled_before=settled,
            settled_notes=notes, now=now,
        )  # fmt: skip
        row = await find_row(session, invoice_id)
    if row is None:
        return None
    if row.account_id != account.id:
        if row.status not in _OVER:
            await write_failure(session, invoice_id, OTHER_ACCOUNT, problem=Conflict(_MOVE_TEXT).reason)
        return None
    details = await _details(session, invoice_id)
    document = decode_snapshot(details.snapshot)
    return Collectable(
        invoice, row, await _payer(session, document), await _pushed(session, invoice, row, details, document),
        await _credits(session, invoice_id, row.settled_notes),
        charges=invoice.state in COLLECTED and is_due(row, now)
        and await may_charge(session, account.id, sent_at=row.created_at),
    )  # fmt: skip


def is_due(row: Row[Any], now: datetime) -> bool:
    """Whether the first or the next attempt to charge is due. An accepted charge is not repeated."""
    if not row.charge_attempts:
        return True
    return row.next_charge_at is not None and row.next_charge_at <= now


async def _details(session: AsyncSession, invoice_id: UUID) -> Row[Any]:
    found = await session.execute(
        text("""
            SELECT x.snapshot, x.issued_on, x.due_on, i.period_end FROM issued_invoice x
              JOIN invoice i ON i.tenant_id = x.tenant_id AND i.id = x.invoice_id
             WHERE x.tenant_id = :t AND x.invoice_id = :id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    return found.one()


async def _payer(session: AsyncSession, document: InvoiceSnapshot | None) -> PayingClient:
    client = await get_client(session)
    details = await find_billing_details(session)
    if document is not None:
        return PayingClient(client.tenant_id, document.buyer.name, document.buyer.email)
    return PayingClient(client.tenant_id, client.name, details.email if details is not None else "")


async def _pushed(
    session: AsyncSession, invoice: Issued, row: Row[Any], details: Row[Any], document: InvoiceSnapshot | None
) -> PushedInvoice:
    found = await session.execute(
        text("""
            SELECT id, kind, description, service_start, first_at, last_at, amount_minor, cause FROM invoice_line
             WHERE tenant_id = :t AND invoice_id = :id ORDER BY description, service_start, unit_price, id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice.id},
    )
    rows = found.all()
    texts = localizer_of("" if document is None else document.language, "UTC")
    rule = document.rule if document is not None else None
    untaxed = {line.id for line in document.lines if line.tax is not None} if document is not None else set()
    nets = [0 if one.id in untaxed else one.amount_minor for one in rows]
    taxes = [0] * len(rows)
    if document is not None and rule is not None:
        amount = next(one for one in document.taxes if one.rule == rule)
        taxes = calculated_taxes(nets, amount) if document.tax_calculation else line_taxes(nets, rule.percent)
    lines = [
        PushedLine(
            one.id, describe_line(LineKind(one.kind), one.description, texts, one.cause), one.amount_minor,
            one.first_at or one.service_start,
            (one.last_at or one.service_start) + timedelta(seconds=1), tax_minor=tax, is_taxed=one.id not in untaxed,
        )
        for one, tax in zip(rows, taxes, strict=True)
    ]  # fmt: skip
    if row.settled_before_minor:
        day, said = details.period_end, texts.text(_SETTLED_TEXT)
        settled = PushedLine(uuid5(invoice.id, "settled"), said, -row.settled_before_minor, day, day, is_taxed=False)
        lines.append(settled)
    days = (details.due_on - details.issued_on).days if details.due_on is not None else 14
    return PushedInvoice(
        invoice.id, scope_of(session).tenant_id, invoice.currency, invoice.gross_minor - row.settled_before_minor,
        lines, due_days=max(1, days),
        tax=None if rule is None else PushedTax(rule.percent, rule.category.value, texts.text(_TAX_TEXT)),
    )  # fmt: skip


def line_taxes(nets: Iterable[int], percent: Any) -> list[int]:
    """Tax of each line, so that the taxes add up to the tax of the sum: a line's tax is the difference it makes to the
    rounded tax of the running sum.
    """
    taxes, net, before = [], 0, 0
    for one in nets:
        net += one
        after = tax_of(net, percent)
        taxes.append(after - before)
        before = after
    return taxes


def calculated_taxes(nets: Iterable[int], amount: TaxAmount) -> list[int]:
    """Tax of each line as its part of the calculated amount, which need not be the rate of the sum."""
    taxes, net = [], 0
    for one in nets:
        taxes.append(credited_tax([amount], {amount.rule: one}, {amount.rule: net}))
        net += one
    return taxes


async def _credits(session: AsyncSession, invoice_id: UUID, without: Sequence[UUID]) -> list[PushedCredit]:
    """Credit notes of the invoice, except those in `without`."""
    found = await session.execute(
        text("""
            SELECT id, gross_minor, refunds FROM credit_note
             WHERE tenant_id = :t AND invoice_id = :id AND NOT id = ANY(CAST(:without AS uuid[]))
             ORDER BY created_at, id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "without": list(without)},
    )
    return [PushedCredit(one.id, one.gross_minor, one.refunds) for one in found]
