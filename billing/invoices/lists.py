"""The lists of invoices, and of the usage events of a line."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.line_events import list_line_events
from billing.invoices.repository import NOT_FINALISED, list_invoices
from billing.schemas import InvoiceSummary, UsageRow
from billing.states import LABELS
from canonical.money import decimal_amount
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey


async def _load(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[InvoiceSummary]:
    return await list_invoices(session, query)


_BY_PERIOD: Final = Sort(
    name="-period",
    label=N_("Newest month first"),
    reverse_label=N_("Oldest month first"),
    keys=[
        SortKey("i.period_start", "timestamptz", descending=True),
        SortKey("i.side", "varchar", descending=True),
        SortKey("i.client_id", "uuid"),
        SortKey("i.id", "uuid"),
    ],
)
_BY_CHANGE: Final = Sort(
    name="-updated",
    label=N_("Last changed first"),
    reverse_label=N_("Longest unchanged first"),
    keys=[SortKey("i.updated_at", "timestamptz", descending=True), SortKey("i.id", "uuid", descending=True)],
)

INVOICES: Final = ListDefinition[InvoiceSummary](
    name="invoices",
    title=N_("Invoices"),
    item=InvoiceSummary,
    load=_load,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[
                ("", N_("Any")),
                (NOT_FINALISED, N_("Not finalised")),
                *((state.value, label) for state, (label, _) in LABELS.items()),
            ],
        ),
        ChoiceFilter(
            name="side",
            label=N_("Side"),
            options=[("", N_("Any")), ("retail", N_("Retail")), ("wholesale", N_("Wholesale"))],
        ),
    ],
    sorts=[_BY_PERIOD, _BY_CHANGE],
    columns=[
        "id",
        "side",
        "client_id",
        "period_start",
        "period_end",
        "state",
        CsvColumn("total", lambda invoice: decimal_amount(invoice.total_minor, invoice.currency)),
        "currency",
        "updated_at",
        "content_hash",
        "number",
        "due_on",
        CsvColumn("tax", lambda invoice: decimal_amount(invoice.tax_minor, invoice.currency)),
        CsvColumn("gross", lambda invoice: decimal_amount(invoice.gross_minor, invoice.currency)),
        CsvColumn("balance", lambda invoice: decimal_amount(invoice.balance_minor, invoice.currency)),
    ],
)

LINE_EVENTS: Final = ListDefinition[UsageRow](
    name="usage-events",
    title=N_("Usage events"),
    item=UsageRow,
    load=list_line_events,
    usual=100,
    most=500,
    filters=[
        TextFilter(
            name="cell",
            label=N_("Cell"),
            about="Of a price by dimension: the number of one of its cells, or rest for all other units.",
            hidden=True,
        )
    ],
    sorts=[
        Sort(
            name="occurred",
            label=N_("Oldest first"),
            reverse_label=N_("Newest first"),
            # Ids made by this product grow with time.
            keys=[SortKey("r.usage_id", "uuid")],
        )
    ],
    columns=["id", "quantity", "occurred_at"],
)
