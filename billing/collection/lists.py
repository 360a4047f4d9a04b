"""List of invoices whose amounts here and at the payment provider differ."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.apply import METHOD
from billing.payments.states import CLOSED_DISPUTES, RemoteStatus
from billing.states import InvoiceState
from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.web.lists import ListDefinition
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page


class PaymentDifference(msgspec.Struct, frozen=True):
    """An invoice here and at the provider, in minor units of `currency`: the amounts to collect, paid (less refunds and
    disputes), credited since the push, and left to pay. `failure` is the code of the error that stopped the last
    attempt, `dispute` the state of an open dispute. `read_at`: time of the provider's figures.
    """

    invoice_id: UUID
    client_id: UUID
    number: str | None
    currency: str
    state: str
    status: str
    external_id: str
    total_minor: int
    total_there_minor: int
    paid_minor: int
    paid_there_minor: int
    credited_minor: int
    credited_there_minor: int
    left_minor: int
    left_there_minor: int
    failure: str
    dispute: str
    read_at: datetime | None


_COLUMNS: Final = ", ".join(f"d.{name}" for name in PaymentDifference.__struct_fields__)
_CLOSED: Final = ", ".join(f"'{one}'" for one in CLOSED_DISPUTES)
_ROWS: Final = f"""
    (SELECT p.tenant_id, p.msp_id, p.invoice_id, i.client_id, x.number, i.currency, i.state, p.status, p.external_id,
            x.gross_minor - p.settled_before_minor AS total_minor, p.total_minor AS total_there_minor,
            coalesce((SELECT sum(y.amount_minor) FROM invoice_payment y WHERE y.tenant_id = p.tenant_id
                AND y.invoice_id = p.invoice_id AND y.method = '{METHOD}'), 0)::bigint AS paid_minor,
            greatest(0, p.paid_minor - p.paid_outside_minor - p.refunded_minor - p.disputed_minor) AS paid_there_minor,
            least(x.gross_minor - p.settled_before_minor,
                coalesce((SELECT sum(c.gross_minor) FROM credit_note c WHERE c.tenant_id = p.tenant_id
                    AND c.invoice_id = p.invoice_id AND NOT c.id = ANY(p.settled_notes)), 0))::bigint AS credited_minor,
            p.credited_minor AS credited_there_minor,
            greatest(0, x.gross_minor - i.credited_minor - i.paid_minor) AS left_minor,
            greatest(0, p.total_minor - p.credited_minor - p.paid_minor + p.refunded_minor + p.disputed_minor)
                AS left_there_minor,
            p.failure, p.read_at, p.created_at,
            coalesce((SELECT min(y.value->>'status') FROM jsonb_array_elements(p.disputes) y
                WHERE y.value->>'status' NOT IN ({_CLOSED})), '') AS dispute
       FROM provider_invoice p
       JOIN invoice i ON i.tenant_id = p.tenant_id AND i.id = p.invoice_id
       JOIN issued_invoice x ON x.tenant_id = p.tenant_id AND x.invoice_id = p.invoice_id
      WHERE p.provider = '{METHOD}')
"""
_PREPARING: Final = timedelta(hours=1)
"""Time after which an invoice should no longer be a draft at the provider, or on its way there."""
_DRAFT: Final = f"('', '{RemoteStatus.DRAFT}')"
_DIFFERS: Final = f"""
    (d.failure <> '' OR d.dispute <> '' OR (d.status IN {_DRAFT} AND d.created_at < :begun) OR (d.status NOT IN {_DRAFT}
     AND (d.total_minor <> d.total_there_minor
     OR d.paid_minor <> d.paid_there_minor OR d.credited_minor <> d.credited_there_minor
     OR (d.status <> '{RemoteStatus.VOID}' AND d.left_minor <> d.left_there_minor)
     OR (d.state = '{InvoiceState.VOID}') <> (d.status = '{RemoteStatus.VOID}'))))
"""


async def _load(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[PaymentDifference]:
    source = ListSource(
        columns=_COLUMNS, tables=f"{_ROWS} d", where=f"d.msp_id = :msp_id AND {_DIFFERS}",
        binds={"msp_id": scope_of(session).msp_id, "begun": now - _PREPARING},
    )  # fmt: skip
    page = await read_page(session, source, query)
    return page.map(lambda row: PaymentDifference(**{name: getattr(row, name) for name in _NAMES}))


_NAMES: Final = PaymentDifference.__struct_fields__
DRIFT: Final = ListDefinition[PaymentDifference](
    name="payment-differences",
    title=N_("Differences with the payment provider"),
    item=PaymentDifference,
    load=_load,
    sorts=[
        Sort(
            name="collected", label=N_("Newest first"), reverse_label=N_("Oldest first"),
            keys=[
                SortKey("d.created_at", "timestamptz", descending=True),
                SortKey("d.invoice_id", "uuid", descending=True),
            ],
        )
    ],
    columns=[*PaymentDifference.__struct_fields__],
)  # fmt: skip
