"""Issue of a draft as an invoice: number, fixed parties, tax and due day, in the transaction that closes its period."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.buyers import load_buyer
from billing.errors import PartyMissing
from billing.invoices.steps import NewStep, StepCause, record_step
from billing.job_types import LANE, MAKE_DOCUMENTS
from billing.legal_entities.repository import find_issuer, rate_on, take_number
from billing.legal_entities.schemas import Issuer
from billing.legal_entities.tax import TaxAmount, TaxCategory, TaxDetail, TaxSourceKind, VatCheckKind, tax_amounts
from billing.line_kinds import KIND_ORDER, SUBSCRIBED
from billing.pricing.rules import BillingRules
from billing.sides import Side
from billing.snapshot import (
    Buyer,
    InvoiceBrand,
    InvoiceSnapshot,
    SnapshotLine,
    brand_of,
    encode_snapshot,
    line_of,
    seller_of,
    taxes_of,
)
from billing.states import InvoiceState
from billing.tax_service.calculations import question_of, require_calculated
from billing.time_zone import load_time_zone
from billing.vat_register.store import require_checked
from branding.directory import read_msp_brand
from foundation.clock import day_in
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.negotiation import localizer_of
from foundation.ids import new_id
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from tenants.relations import CLIENTS

_SATURDAY = 5
_REVERSE = TaxCategory.REVERSE_CHARGE


class ToIssue(msgspec.Struct, frozen=True):
    """A draft whose amounts are final."""

    id: UUID
    side: Side
    period_start: datetime
    period_end: datetime
    currency: str
    total_minor: int
    content_hash: str
    state: str


async def issue(session: AsyncSession, draft: ToIssue, *, now: datetime) -> None:
    """Fix the draft, with the rater's rights.

    A negative total makes it a credit note, with a number of that series and nothing to pay. Without a legal entity of
    its side, and for a client's share of a wholesale invoice, it gets no number and no tax.

    Raises:
        PartyMissing: the legal entity has no tax rate on this day, or the buyer has no billing details.
        TaxHeld: the tax service has not calculated this draft as it is now.
        VatIdUnchecked: reverse charge, and the buyer's VAT id is not confirmed.
    """
    scope = scope_of(session)
    is_share = draft.side is Side.WHOLESALE and scope.tenant_id != scope.msp_id
    issuer = None if is_share else await find_issuer(session, draft.side)
    document = None if issuer is None else await _document(session, draft, issuer, now)
    issued_on = now.date() if document is None else document.issued_on
    net, tax = draft.total_minor, 0 if document is None else document.tax_minor
    stored, digest = ("{}", "") if document is None else encode_snapshot(document)
    await session.execute(
        _INSERT,
        {
            "tenant": scope.tenant_id, "msp": scope.msp_id, "id": draft.id, "side": draft.side.value, "net": net,
            "tax": tax, "gross": net + tax, "hash": draft.content_hash, "snapshot": stored, "digest": digest,
            "number": document and document.number, "issued_on": issued_on, "due_on": document and document.due_on,
        },
    )  # fmt: skip
    await session.execute(
        text(f"""
            UPDATE invoice SET state = '{InvoiceState.FINALISED}', updated_at = :now
             WHERE tenant_id = :tenant AND id = :id
        """),
        {"tenant": scope.tenant_id, "id": draft.id, "now": now},
    )
    if document is not None:
        enqueue(session, [NewJob(LANE, MAKE_DOCUMENTS, key=str(draft.id), ref=draft.id)])
    step = NewStep(StepCause.FINALISED, InvoiceState.FINALISED, amount_minor=net + tax)
    await record_step(session, draft.id, draft.side, (draft.state, step), now=now, new_id=new_id)


_INSERT = text("""
    INSERT INTO issued_invoice (tenant_id, msp_id, invoice_id, side, number, issued_on, due_on, net_minor, tax_minor,
                                gross_minor, content_hash, snapshot, snapshot_hash)
    VALUES (:tenant, :msp, :id, :side, :number, :issued_on, :due_on, :net, :tax, :gross, :hash,
            CAST(:snapshot AS jsonb), :digest)
""")


def working_day(day: date) -> date:
    """The day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= _SATURDAY else day


async def _document(session: AsyncSession, draft: ToIssue, issuer: Issuer, now: datetime) -> InvoiceSnapshot:
    today = day_in(issuer.entity.time_zone, now)
    buyer = await load_buyer(session)
    rows = (await session.execute(_LINES, {"tenant": scope_of(session).tenant_id, "id": draft.id})).all()
    language = await _language(session, draft.side) or issuer.entity.language
    texts = localizer_of(language, "UTC")
    zone = await load_time_zone(session)
    lines, seller = [line_of(row, texts, zone) for row in rows], seller_of(issuer)
    entity = issuer.entity
    number_format = entity.credit_note_format if draft.total_minor < 0 else entity.number_format
    taxed = await _taxes(session, draft, issuer, buyer, lines, today)
    if entity.vat_check is not VatCheckKind.OFF and any(one.rule.category is _REVERSE for one in taxed.taxes):
        await require_checked(session, buyer.vat_id, days=entity.vat_check_days, now=now)
    return InvoiceSnapshot(
        number=await take_number(session, draft.side, number_format, today),
        issued_on=today, due_on=working_day(today + timedelta(days=issuer.entity.payment_days)),
        language=language, currency=draft.currency,
        period_start=draft.period_start.date(), period_end=(draft.period_end - timedelta(microseconds=1)).date(),
        seller=seller, buyer=buyer, lines=lines, taxes=taxed.taxes, tax_details=taxed.details,
        tax_calculation=taxed.calculation,
        brand=await _brand(session, draft.side), rules=await _rules(session, draft.side),
        is_subscribed=any(row.kind in SUBSCRIBED for row in rows), time_zone=entity.time_zone,
    )  # fmt: skip


class _Taxed(msgspec.Struct, frozen=True):
    """`details` and `calculation`, an id, are a tax service's."""

    taxes: Sequence[TaxAmount]
    details: Sequence[TaxDetail] = ()
    calculation: str = ""


async def _taxes(  # noqa: PLR0913, PLR0917 - the parts of one document
    session: AsyncSession, draft: ToIssue, issuer: Issuer, buyer: Buyer, lines: Sequence[SnapshotLine], today: date
) -> _Taxed:
    """Raises PartyMissing: no own rate; TaxHeld: the tax service has not calculated this content."""
    entity = issuer.entity
    if entity.tax_source is TaxSourceKind.OWN:
        rate = rate_on(issuer, today)
        if rate is None:
            raise PartyMissing(N_("The legal entity has no tax rate for today. Add it, and finalise again."))
        return _Taxed(taxes_of(rate, seller_of(issuer), buyer, lines))
    net = sum(line.net_minor for line in lines if line.tax is None)
    question = question_of(entity, buyer, draft.currency, net, today)
    found = await require_calculated(session, draft.id, question, net)
    own = tax_amounts([(line.tax, line.net_minor) for line in lines if line.tax is not None])
    return _Taxed([found.amount, *own], found.details, found.external_id)


async def _rules(session: AsyncSession, side: Side) -> BillingRules:
    """Rules of the client's own price book, or of the common one."""
    scope = scope_of(session)
    found = await session.scalar(_RULES, {"msp": scope.msp_id, "side": side.value, "client": scope.tenant_id})
    return msgspec.convert(found or {}, BillingRules)


async def _language(session: AsyncSession, side: Side) -> str:
    """The client's language, also where another client pays; empty if it has none, and for the MSP."""
    if side is Side.WHOLESALE:
        return ""
    found = await session.scalar(
        text(f"SELECT language FROM {CLIENTS} c WHERE tenant_id = :tenant"), {"tenant": scope_of(session).tenant_id}
    )
    return str(found or "")


async def _brand(session: AsyncSession, side: Side) -> InvoiceBrand:
    """The MSP's brand for its clients. The operator has none."""
    if side is Side.WHOLESALE:
        return InvoiceBrand()
    try:
        return brand_of(await read_msp_brand(session))
    except NotFound:
        return InvoiceBrand()


_RULES = text("""
    SELECT rules FROM price_book WHERE tenant_id = :msp AND side = :side
       AND (client_id IS NULL OR client_id = :client) ORDER BY client_id IS NULL LIMIT 1
""")
_LINES: Any = text(f"""
    SELECT id, kind, meter, product, description, service_start, first_at, last_at, quantity, included, unit_price,
           amount_minor, cause
      FROM invoice_line l WHERE tenant_id = :tenant AND invoice_id = :id
     ORDER BY client_id, {KIND_ORDER}, description, service_start, unit_price, id
""")
