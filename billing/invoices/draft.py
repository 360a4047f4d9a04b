"""Draft invoices, computed from rated usage. The same usage always gives the same content hash."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.errors import PeriodClosed
from billing.fees import FeeContext, FeeSource
from billing.invoices.balance import use_balance
from billing.invoices.content import content_of, hash_content
from billing.invoices.fees import SOURCES, collect_fees, write_fees
from billing.invoices.issue import ToIssue, issue
from billing.invoices.usage_lines import charge_lines
from billing.periods import Period
from billing.rating.rate_usage import rate_period, rerate_draft
from billing.rating.tariffs import (
    client_scope,
    draft_keys,
    find_draft_currency,
    invoice_id_of,
    lock_side,
    open_draft,
)
from billing.sides import Side, as_rater
from billing.states import OPEN
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden
from foundation.ids import new_id
from foundation.marks import N_
from foundation.scope import Scope
from foundation.state_machine import in_sql


class DraftInvoice(msgspec.Struct, frozen=True):
    """A computed draft. `content_hash` is the hexadecimal SHA-256 over side, buyer, period, currency, lines
    and total.
    """

    id: UUID
    side: Side
    client_id: UUID
    period: Period
    currency: str
    total_minor: int
    content_hash: str
    lines: int
    events: int


async def draft_invoice(
    session: AsyncSession, *, side: Side, period: Period, now: datetime, sources: Sequence[FeeSource] = SOURCES
) -> DraftInvoice | None:
    """Fill the client's draft from its rated usage and its fees; None when there are none for this period.

    Raises:
        PeriodClosed: the invoice is no longer a draft.
    """
    scope = client_scope(session)
    async with as_rater(session):
        await lock_side(session, side)
        invoice = await _load_draft(session, scope, side, period)
        if invoice is not None:
            await charge_lines(session, scope, invoice)
        currency = await find_draft_currency(session, scope, side, period)
        if currency is None:
            return None
        context = FeeContext(invoice_id_of(scope.tenant_id, side, period), scope.tenant_id, side, period, currency)
        fees = await collect_fees(session, context, sources)
        if invoice is None and fees:
            await open_draft(session, draft_keys(scope, side, period), currency, period, now)
            invoice = await _load_draft(session, scope, side, period)
        if invoice is None:
            return None
        await write_fees(session, context, fees)
        return await _total(session, scope, invoice, now)


async def draft_wholesale(session: AsyncSession, *, period: Period, now: datetime) -> DraftInvoice | None:
    """The MSP's own wholesale draft, in the scope of its MSP account: the sum of its clients' current wholesale
    lines.

    Raises:
        PeriodClosed: the invoice is no longer a draft.
    """
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("The wholesale invoice belongs to the MSP's own account. Open that account and try again."))
    async with as_rater(session):
        await lock_side(session, Side.WHOLESALE)
        await session.execute(
            _OPEN_WHOLESALE,
            {
                "msp_id": scope.msp_id, "start": period.start, "end": period.end, "now": now,
                "id": invoice_id_of(scope.msp_id, Side.WHOLESALE, period),
            },
        )  # fmt: skip
        invoice = await _load_draft(session, scope, Side.WHOLESALE, period)
        if invoice is None:
            return None
        keys = {"msp_id": scope.msp_id, "invoice_id": invoice.id, "start": period.start, "currency": invoice.currency}
        await session.execute(_DROP_WHOLESALE_LINES, keys)
        await session.execute(_COPY_WHOLESALE_LINES, keys)
        return await _total(session, scope, invoice, now)


async def close_period(session: AsyncSession, *, side: Side, period: Period, now: datetime) -> DraftInvoice:
    """Rate the remaining usage, compute the final amounts, and close. Usage that arrives later goes to the next open
    draft.

    Raises:
        PeriodClosed: already closed.
        PartyMissing: as `issue`.
        Conflict: the period is not over, has nothing to invoice, or an earlier draft is still open.
    """
    scope = client_scope(session)
    if now < period.end:
        raise Conflict(N_("This period is not over yet. Close it after its last day."))
    await rate_period(session, side=side, period=period, now=now)
    await rerate_draft(session, side=side, period=period)
    draft = await draft_invoice(session, side=side, period=period, now=now)
    if draft is None:
        raise Conflict(N_("There is nothing to invoice in this period."))
    keys = {"tenant_id": scope.tenant_id, "side": side.value, "start": period.start, "id": draft.id, "now": now}
    async with as_rater(session):
        earlier = await session.scalar(
            text(f"""
                SELECT 1 FROM invoice WHERE tenant_id = :tenant_id AND side = :side AND state IN ({in_sql(OPEN)})
                   AND period_start < :start LIMIT 1
            """),
            keys,
        )
        if earlier is not None:
            raise Conflict(N_("An earlier period is still open. Close that one first."))
        await issue(session, await _to_issue(session, draft), now=now)
    if side is Side.RETAIL:  # the client reads its own audit trail, so wholesale data is not written there
        data = {"total_minor": draft.total_minor, "currency": draft.currency, "hash": draft.content_hash}
        append_audit(session, action=BillingAction.INVOICE_CLOSED, subject=f"invoice:{draft.id}", data=data, at=now)
        await use_balance(session, draft.id, now=now, new_id=new_id)
    return draft


async def close_wholesale(session: AsyncSession, *, period: Period, now: datetime) -> DraftInvoice:
    """Issue the MSP's wholesale invoice, in the scope of its MSP account, once each client's share is closed.

    Raises:
        PeriodClosed: already closed.
        PartyMissing: as `issue`.
        Conflict: there is nothing to invoice, or a client's share is still open.
    """
    draft = await draft_wholesale(session, period=period, now=now)
    if draft is None:
        raise Conflict(N_("There is nothing to invoice in this period."))
    async with as_rater(session):
        share = await session.scalar(
            text(f"""
                SELECT 1 FROM invoice WHERE msp_id = :msp_id AND tenant_id <> :msp_id AND side = 'wholesale'
                   AND period_start = :start AND state IN ({in_sql(OPEN)}) LIMIT 1
            """),
            {"msp_id": scope_of(session).msp_id, "start": period.start},
        )
        if share is not None:
            raise Conflict(N_("A client's share of this period is still open. Close it first."))
        await issue(session, await _to_issue(session, draft), now=now)
    data = {"total_minor": draft.total_minor, "currency": draft.currency, "hash": draft.content_hash}
    append_audit(session, action=BillingAction.INVOICE_CLOSED, subject=f"invoice:{draft.id}", data=data, at=now)
    return draft


async def _to_issue(session: AsyncSession, draft: DraftInvoice) -> ToIssue:
    state = await session.scalar(
        text("SELECT state FROM invoice WHERE tenant_id = :tenant_id AND id = :id"),
        {"tenant_id": scope_of(session).tenant_id, "id": draft.id},
    )
    return ToIssue(
        draft.id, draft.side, draft.period.start, draft.period.end, draft.currency, draft.total_minor,
        draft.content_hash, str(state),
    )  # fmt: skip


async def _load_draft(session: AsyncSession, scope: Scope, side: Side, period: Period) -> Row[Any] | None:
    invoice = (
        await session.execute(
            text("SELECT * FROM invoice WHERE tenant_id = :tenant_id AND id = :id"),
            {"tenant_id": scope.tenant_id, "id": invoice_id_of(scope.tenant_id, side, period)},
        )
    ).one_or_none()
    if invoice is not None and invoice.state not in OPEN:
        raise PeriodClosed(N_("This invoice is closed and can no longer change."))
    return invoice


_OPEN_WHOLESALE = text("""
    INSERT INTO invoice (tenant_id, msp_id, id, side, client_id, period_start, period_end, currency,
                         created_at, updated_at)
    SELECT :msp_id, :msp_id, :id, 'wholesale', :msp_id, :start, :end, b.currency, :now, :now
      FROM price_book b WHERE b.tenant_id = :msp_id AND b.side = 'wholesale'
       AND EXISTS (SELECT 1 FROM invoice i WHERE i.msp_id = :msp_id AND i.tenant_id <> :msp_id
                      AND i.side = 'wholesale' AND i.period_start = :start)
    ON CONFLICT (tenant_id, id) DO NOTHING
""")
_DROP_WHOLESALE_LINES = text("DELETE FROM invoice_line WHERE tenant_id = :msp_id AND invoice_id = :invoice_id")
_COPY_WHOLESALE_LINES = text("""
    INSERT INTO invoice_line (tenant_id, msp_id, id, side, invoice_id, client_id, kind, meter, product, description,
                              price_id, service_start, unit_price, tiers, terms, events, quantity, included,
                              amount_minor, first_at, last_at, cause)
    SELECT :msp_id, :msp_id, l.id, 'wholesale', :invoice_id, l.client_id, l.kind, l.meter, l.product, l.description,
           l.price_id, l.service_start, l.unit_price, l.tiers, l.terms, l.events, l.quantity, l.included,
           l.amount_minor, l.first_at, l.last_at, l.cause
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.msp_id = :msp_id AND i.tenant_id <> :msp_id AND i.side = 'wholesale' AND i.period_start = :start
       AND i.currency = :currency
""")


async def _total(session: AsyncSession, scope: Scope, invoice: Row[Any], now: datetime) -> DraftInvoice:
    rows = (
        await session.execute(
            text("""
                SELECT client_id, meter, description, price_id, service_start, unit_price, tiers, events, quantity,
                       included, amount_minor, first_at, last_at, nullif(terms, '{}') AS terms,
                       nullif(kind, 'usage') AS kind, nullif(product, '') AS product, nullif(cause, '{}') AS cause
                  FROM invoice_line WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id
                 ORDER BY client_id, meter, service_start, price_id, id
            """),
            {"tenant_id": scope.tenant_id, "invoice_id": invoice.id},
        )
    ).all()
    total = sum(row.amount_minor for row in rows)
    draft = DraftInvoice(
        id=invoice.id, side=Side(invoice.side), client_id=invoice.client_id,
        period=Period(invoice.period_start, invoice.period_end), currency=invoice.currency, total_minor=total,
        content_hash=hash_content(invoice, [content_of(row) for row in rows], total),
        lines=len(rows), events=sum(row.events for row in rows),
    )  # fmt: skip
    if draft.content_hash != invoice.content_hash:
        await session.execute(
            text("""
                UPDATE invoice SET total_minor = :total, content_hash = :hash, updated_at = :now
                 WHERE tenant_id = :tenant_id AND id = :id
            """),
            {
                "tenant_id": scope.tenant_id, "id": invoice.id, "total": total, "hash": draft.content_hash, "now": now,
            },
        )  # fmt: skip
    return draft
