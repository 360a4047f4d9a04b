"""Usage lines of a draft: their quantities, the units covered by packs, and the cost of the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.aggregates import charged_quantities
from billing.invoices.line_cells import Parts, load_parts
from billing.packs.cover import cover_lines
from billing.packs.draw import Draws
from billing.price_books.pricing import Charge, charge, terms_from_row
from billing.pricing.rules import BillingRules
from billing.states import BILLED
from foundation.scope import Scope
from foundation.state_machine import in_sql
from foundation.usage.ledger import USAGE_COUNT

_LINES = text(f"""
    SELECT l.id, l.meter, l.service_start, p.valid_from, p.unit_price, p.included_quantity, p.tiers, p.terms,
           k.rules, u.rows, u.events, u.quantity, u.first_at, u.last_at, coalesce(b.quantity, 0) AS billed_before,
           coalesce(b.events, 0)::bigint AS events_before
      FROM invoice_line l
      JOIN price p ON p.tenant_id = :msp_id AND p.id = l.price_id
      JOIN price_book k ON k.tenant_id = :msp_id AND k.id = p.book_id
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(n.rows), 0)::bigint AS rows, coalesce(sum(n.events), 0)::bigint AS events,
               coalesce(sum(n.quantity), 0) AS quantity, min(n.first_at) AS first_at, max(n.last_at) AS last_at
          FROM (SELECT count(*) AS rows, {USAGE_COUNT} AS events, sum(u.quantity) AS quantity,
                       min(u.occurred_at) AS first_at, max(u.occurred_at) AS last_at
                  FROM rated_usage u WHERE u.tenant_id = :tenant_id AND u.line_id = l.id
                 UNION ALL
                SELECT sum(c.rows), sum(c.events), sum(c.quantity), min(c.first_at), max(c.last_at)
                  FROM rated_rollup c WHERE c.tenant_id = :tenant_id AND c.line_id = l.id) n) u
      LEFT JOIN (
        SELECT e.meter, e.service_start, sum(e.quantity - coalesce(w.drawn, 0)) AS quantity,
               sum(e.events) FILTER (WHERE w.drawn IS NULL OR e.quantity <> w.drawn) AS events
          FROM invoice_line e JOIN invoice i ON i.tenant_id = :tenant_id AND i.id = e.invoice_id
          LEFT JOIN LATERAL (SELECT sum(d.quantity) AS drawn FROM unit_draw d
                              WHERE d.tenant_id = :tenant_id AND d.line_id = e.id) w ON true
         WHERE e.tenant_id = :tenant_id AND i.side = :side AND i.state IN ({in_sql(BILLED)})
         GROUP BY e.meter, e.service_start) b ON b.meter = l.meter AND b.service_start = l.service_start
     WHERE l.tenant_id = :tenant_id AND l.invoice_id = :invoice_id
     ORDER BY l.meter, l.service_start, p.valid_from, l.id
""")
_FILL = text("""
    UPDATE invoice_line l
       SET events = n.events, quantity = n.quantity, included = n.included, amount_minor = n.amount_minor,
           first_at = n.first_at, last_at = n.last_at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:events AS bigint[]), CAST(:quantities AS numeric[]),
                  CAST(:included AS numeric[]), CAST(:amounts AS bigint[]), CAST(:firsts AS timestamptz[]),
                  CAST(:lasts AS timestamptz[]))
           AS n (id, events, quantity, included, amount_minor, first_at, last_at)
     WHERE l.tenant_id = :tenant_id AND l.invoice_id = :invoice_id AND l.id = n.id
""")


async def charge_lines(session: AsyncSession, scope: Scope, invoice: Row[Any]) -> None:
    """Charge the draft's usage lines for units not covered by packs. Lines without usage are deleted."""
    keys = {"tenant_id": scope.tenant_id, "invoice_id": invoice.id}
    found = (await session.execute(_LINES, {**keys, "msp_id": scope.msp_id, "side": invoice.side})).all()
    quantities = await charged_quantities(session, scope, invoice, found)
    empty = [line.id for line in found if line.rows == 0 and not quantities.get(line.id)]
    lines = [line for line in found if line.rows or quantities.get(line.id)]
    parts = await load_parts(session, scope.tenant_id, lines)
    draws = await cover_lines(session, scope, invoice, lines, quantities)
    charges = _charges(lines, quantities, parts, draws, invoice.currency)
    if empty:
        await session.execute(
            text(
                "DELETE FROM invoice_line WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id AND id = ANY(:ids)"
            ),
            {**keys, "ids": empty},
        )
    await session.execute(
        _FILL,
        {
            **keys,
            "ids": [line.id for line in lines],
            "events": [line.events for line in lines],
            "quantities": [quantities.get(line.id, line.quantity) for line in lines],
            "included": [one.included for one in charges],
            "amounts": [one.amount_minor for one in charges],
            "firsts": [line.first_at for line in lines],
            "lasts": [line.last_at for line in lines],
        },
    )


def _charges(
    lines: Sequence[Row[Any]], quantities: Mapping[UUID, Decimal], parts: Parts, draws: Draws, currency: str
) -> list[Charge]:
    """Charges of the lines. Lines of one meter and allowance are charged in the order of their prices, after the
    quantity already billed. `quantities`: of lines that are not charged for the sum of their events. A line without
    events, of a level, counts as one event. Units covered by packs are included: they count for no tier and no minimum.
    """
    used: dict[tuple[str, datetime], tuple[Decimal, int]] = {}
    charges: list[Charge] = []
    for line in lines:
        allowance = (line.meter, line.service_start)
        before, events = used.get(
            allowance, (line.billed_before, max(line.events_before, int(line.billed_before != 0)))
        )
        drawn = sum(draws.get(line.id, {}).values(), Decimal(0))
        quantity = quantities.get(line.id, line.quantity) - drawn
        counted = line.events if line.rows else int(events == 0)
        counted = 0 if drawn and not quantity else counted
        priced = charge(
            terms_from_row(line._mapping), before=before, quantity=quantity, currency=currency,  # noqa: SLF001
            events=counted, events_before=events, rules=msgspec.convert(line.rules, BillingRules),
            parts=parts.get(line.id, ()),
        )  # fmt: skip
        charges.append(msgspec.structs.replace(priced, included=priced.included + drawn))
        used[allowance] = before + quantity, events + counted
    return charges
