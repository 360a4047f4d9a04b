"""Invoice queries. A client's scope reads its own retail; a fleet scope reads both sides of the MSP's clients.

Row-level security decides which side is visible (`billing.sides`); the queries filter by tenant all the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.life import load_life
from billing.line_kinds import KIND_ORDER, LineKind
from billing.payment_account.current import find_current_account
from billing.payments.provider_invoices import find_collection
from billing.payments.schemas import InvoiceCollection
from billing.payments.states import CLOSED_DISPUTES
from billing.price_books.pricing import terms_from_row
from billing.schemas import InvoiceDetail, InvoiceSummary, Line, LineDetail, Margin
from billing.sides import Side, as_rater
from billing.snapshot import InvoiceSnapshot, decode_snapshot
from billing.states import OPEN, InvoiceState, PaymentKind
from billing.tax_service.calculations import find_calculation_view
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from foundation.state_machine import in_sql
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page

NOT_FINALISED: Final = "open"
"""Choice of the list's state: drafts, whether their month is over or not."""
_OPEN_DISPUTE = f"""EXISTS (SELECT FROM jsonb_array_elements(p.disputes) d
                WHERE d->>'status' NOT IN ({", ".join(f"'{one}'" for one in CLOSED_DISPUTES)}))"""
_INVOICE = f"""i.id, i.msp_id, i.side, i.client_id, i.period_start, i.period_end, i.currency, i.state, i.total_minor,
              i.content_hash, i.updated_at, x.number, x.due_on, coalesce(x.tax_minor, 0) AS tax_minor,
              coalesce(x.gross_minor, 0) AS gross_minor, i.paid_minor, i.credited_minor, i.dunning_level,
              (SELECT coalesce(-sum(y.amount_minor), 0)::bigint FROM invoice_payment y
                WHERE y.tenant_id = i.tenant_id AND y.invoice_id = i.id AND y.kind = '{PaymentKind.REFUND}')
                AS refunded_minor,
              EXISTS (SELECT FROM provider_invoice p WHERE p.tenant_id = i.tenant_id AND p.invoice_id = i.id
                AND p.disputed_minor > 0 AND {_OPEN_DISPUTE}) AS is_disputed"""
_ISSUED = "LEFT JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id"
_LINE = """l.id, l.kind, l.client_id, l.meter, l.product, l.description, l.service_start, l.events, l.quantity,
           l.included, l.unit_price, l.tiers, l.terms, l.amount_minor, l.first_at, l.last_at, l.cause"""


async def list_invoices(session: AsyncSession, query: ListQuery) -> ResultPage[InvoiceSummary]:
    """One page of `billing.invoices.lists`. A fleet gets one wholesale invoice, the MSP's total, without its clients'
    shares.
    """
    own, binds = _mine(session, "i")
    where = [own, "(i.side = 'retail' OR i.tenant_id = i.msp_id)"]
    for name, column in (("side", "side"), ("status", "state")):
        if query[name] == NOT_FINALISED:
            where.append(f"i.state IN ({in_sql(OPEN)})")
        elif query[name]:
            where.append(f"i.{column} = :{name}")
            binds[name] = query[name]
    source = ListSource(columns=_INVOICE, tables=f"invoice i {_ISSUED}", where=" AND ".join(where), binds=binds)
    page = await read_page(session, source, query)
    return page.map(lambda row: _summary({name: getattr(row, name) for name in InvoiceSummary.__struct_fields__}))


async def load_invoice(session: AsyncSession, invoice_id: UUID) -> InvoiceDetail:
    """Raises NotFound: no such invoice, or it is not visible to the reader."""
    own, keys = _mine(session, "i")
    found = await session.execute(
        text(f"SELECT {_INVOICE}, i.tenant_id, x.snapshot FROM invoice i {_ISSUED} WHERE {own} AND i.id = :id"),
        {**keys, "id": invoice_id},
    )
    head = found.mappings().one_or_none()
    if head is None:
        raise NotFound
    rows = await session.execute(
        text(f"""
            SELECT {_LINE} FROM invoice_line l WHERE l.tenant_id = :owner AND l.invoice_id = :id
             ORDER BY l.client_id, {KIND_ORDER}, l.description, l.service_start, l.unit_price, l.id
        """),
        {"owner": head["tenant_id"], "id": invoice_id},
    )
    own_columns = {"tenant_id", "snapshot"}
    summary = _summary({name: value for name, value in head.items() if name not in own_columns})
    collection = await find_collection(session, head["tenant_id"], invoice_id)
    return InvoiceDetail(
        summary, [_line(row) for row in rows.mappings()], decode_snapshot(head["snapshot"]),
        **await load_life(session, head["tenant_id"], invoice_id),
        collection=None if collection is None else await _payable(session, collection, summary),
        tax_calculation=await find_calculation_view(session, head["tenant_id"], invoice_id),
    )  # fmt: skip


async def _payable(session: AsyncSession, found: InvoiceCollection, invoice: InvoiceSummary) -> InvoiceCollection:
    """The collection with its payment address. A fleet scope cannot read the payment account, so there each invoice
    counts as one of the present account.
    """
    if not scope_of(session).fleet:
        current = await find_current_account(session)
        found = found.at_account(None if current is None else current[0])
    return found.for_balance(invoice.balance_minor)


async def find_snapshot(session: AsyncSession, invoice_id: UUID) -> tuple[Side, InvoiceSnapshot] | None:
    """Side and fixed content of an invoice of the scope's account; None without a number. For jobs."""
    async with as_rater(session):
        row = (
            await session.execute(
                text("SELECT side, snapshot FROM issued_invoice WHERE tenant_id = :tenant AND invoice_id = :id"),
                {"tenant": scope_of(session).tenant_id, "id": invoice_id},
            )
        ).one_or_none()
    document = None if row is None else decode_snapshot(row.snapshot)
    return None if row is None or document is None else (Side(row.side), document)


async def load_sibling_invoice(session: AsyncSession, invoice: InvoiceSummary) -> InvoiceSummary | None:
    """The invoice of the other side for the same client and period, for the MSP's staff."""
    own, keys = _mine(session, "i")
    other = Side.WHOLESALE if invoice.side is Side.RETAIL else Side.RETAIL
    found = await session.execute(
        text(f"""
            SELECT {_INVOICE} FROM invoice i {_ISSUED} WHERE {own} AND i.tenant_id = :client_id AND i.side = :side
               AND i.period_start = :start AND i.client_id = :client_id
        """),
        {**keys, "client_id": invoice.client_id, "side": other.value, "start": invoice.period_start},
    )
    row = found.mappings().one_or_none()
    return None if row is None else _summary(row)


async def load_line(session: AsyncSession, line_id: UUID, *, invoice_id: UUID | None = None) -> LineDetail:
    """A line with its invoice. A wholesale line belongs to its client's share and to the MSP's total; `invoice_id`
    selects one of them.

    Raises:
        NotFound: no such line, or it is not visible to the reader.
    """
    own, keys = _mine(session, "l")
    found = await session.execute(
        text(f"""
            SELECT {_LINE}, l.invoice_id, i.currency
              FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
             WHERE {own} AND l.id = :line_id
               AND (CAST(:invoice_id AS uuid) IS NULL OR l.invoice_id = CAST(:invoice_id AS uuid))
             ORDER BY l.tenant_id <> l.msp_id LIMIT 1
        """),
        {**keys, "line_id": line_id, "invoice_id": invoice_id},
    )
    head = found.mappings().one_or_none()
    if head is None:
        raise NotFound
    line = _line({name: value for name, value in head.items() if name not in ("invoice_id", "currency")})
    return LineDetail(line, head["invoice_id"], head["currency"])


async def list_margins(
    session: AsyncSession, *, period_start: datetime, client_id: UUID | None = None
) -> Sequence[Margin]:
    """The MSP's margin per client and feature on the invoices of one period. In a fleet scope only.

    Raises:
        Forbidden: the scope is not a fleet's.
    """
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Margins are visible to the MSP's own members only."))
    rows = await session.execute(
        text(f"""
            SELECT l.client_id, l.meter, l.kind, l.product,
                   coalesce(max(l.description) FILTER (WHERE l.side = 'retail'), max(l.description)) AS description,
                   greatest(coalesce(sum(l.quantity) FILTER (WHERE l.side = 'retail'), 0),
                            coalesce(sum(l.quantity) FILTER (WHERE l.side = 'wholesale'), 0)) AS quantity,
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.side = 'retail'), 0)::bigint AS retail_minor,
                   max(i.currency) FILTER (WHERE l.side = 'retail') AS retail_currency,
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.side = 'wholesale'), 0)::bigint AS wholesale_minor,
                   max(i.currency) FILTER (WHERE l.side = 'wholesale') AS wholesale_currency
              FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
             WHERE i.msp_id = :msp_id AND i.tenant_id <> :msp_id AND i.period_start = :start
               AND (CAST(:client_id AS uuid) IS NULL OR i.tenant_id = CAST(:client_id AS uuid))
               AND i.state <> '{InvoiceState.VOID}'
             GROUP BY l.client_id, l.meter, l.kind, l.product
             ORDER BY l.client_id, {KIND_ORDER}, l.meter, l.product
        """),
        {"msp_id": scope.msp_id, "start": period_start, "client_id": client_id},
    )
    return [Margin(**{**row, "kind": LineKind(row["kind"])}) for row in rows.mappings()]


def _mine(session: AsyncSession, alias: str) -> tuple[str, dict[str, object]]:
    scope = scope_of(session)
    if scope.fleet:
        return f"{alias}.msp_id = :msp_id", {"msp_id": scope.msp_id}
    return f"{alias}.tenant_id = :tenant_id", {"tenant_id": scope.tenant_id}


def _summary(row: Mapping[Any, Any]) -> InvoiceSummary:
    return InvoiceSummary(**{**row, "side": Side(row["side"])})


def _line(row: Mapping[Any, Any]) -> Line:
    terms = terms_from_row(row)
    return Line(**{**row, "kind": LineKind(row["kind"]), "tiers": terms.tiers, "terms": terms})
