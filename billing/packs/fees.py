"""Lines of a draft about packs: the charge for a sold pack, and the units drawn from each."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import OF_PACK, LineKind
from billing.packs.cover import PACK, load_balances
from billing.packs.states import PackEnd
from billing.price_books.pricing import plain
from billing.sides import Side
from billing.states import FIXED, InvoiceState
from canonical.money import stored_exponent
from foundation.state_machine import in_sql


async def pack_fees(session: AsyncSession, context: FeeContext, _: Sequence[ChargedLine]) -> Sequence[Fee]:
    """A pack is charged on the first draft from the month of its sale on, and again after a void; a withdrawn one only
    if some of its units were used. Drawn units have a line without an amount.
    """
    if context.side is not Side.RETAIL:
        return []
    keys = {
        "tenant": context.client_id, "invoice": context.invoice_id, "start": context.period.start,
        "month": context.period.start.date(), "currency": context.currency,
    }  # fmt: skip
    sold = [_sold(context, row) for row in await session.execute(_SOLD, keys)]
    drawn = (await session.execute(_DRAWN, keys)).all()
    left = {one.id: one.left for one in await load_balances(session, keys)} if drawn else {}
    return [*sold, *(_drawn(context, row, left[row.id]) for row in drawn)]


def _sold(context: FeeContext, row: Row[Any]) -> Fee:
    pack = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    price = Decimal(pack["price_minor"]) / Decimal(10) ** stored_exponent(context.currency)
    return Fee(
        key=f"sold {pack['id']}", kind=LineKind.UNIT_PACK, name=pack["name"], product=f"{OF_PACK}{pack['meter']}",
        service_from=context.period.start, service_until=context.period.end, unit_price=price,
        amount_minor=pack["price_minor"],
        cause={"fee": f"pack {pack['id']}", PACK: str(pack["id"]), "units": str(plain(pack["units"]))},
    )  # fmt: skip


def _drawn(context: FeeContext, row: Row[Any], left: Decimal) -> Fee:
    pack = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    return Fee(
        key=f"drawn {pack['id']}", kind=LineKind.UNITS_DRAWN, name=pack["name"], product=f"{OF_PACK}{pack['meter']}",
        service_from=context.period.start, service_until=context.period.end, quantity=pack["drawn"],
        unit_price=Decimal(0), amount_minor=0,
        cause={
            PACK: str(pack["id"]), "units": str(plain(pack["units"])), "drawn": str(plain(pack["drawn"])),
            "left": str(plain(left - pack["drawn"])),
        },
    )  # fmt: skip


_SOLD: Final = text(f"""
    SELECT p.id, p.name, p.meter, p.units, p.price_minor FROM unit_pack p
     WHERE p.tenant_id = :tenant AND p.currency = :currency AND p.sold_month <= :month AND p.price_minor > 0
       AND (p.ended_as IS DISTINCT FROM '{PackEnd.WITHDRAWN}' OR EXISTS (
         SELECT 1 FROM unit_draw d JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
          WHERE d.tenant_id = :tenant AND d.pack_id = p.id AND i.state <> '{InvoiceState.VOID}'
            AND (i.id = :invoice OR i.state IN ({in_sql(FIXED)}) OR i.period_start < :start)
         HAVING sum(d.quantity) > 0))
       AND NOT EXISTS (
         SELECT 1 FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
          WHERE l.tenant_id = :tenant AND l.kind = '{LineKind.UNIT_PACK}' AND l.cause ->> '{PACK}' = p.id::text
            AND i.id <> :invoice AND i.state <> '{InvoiceState.VOID}' AND (i.period_start < :start
                OR i.state IN ({in_sql(FIXED)})))
     ORDER BY p.sold_at, p.id
""")
_DRAWN: Final = text("""
    SELECT p.id, p.name, p.meter, p.units, sum(d.quantity) AS drawn
      FROM unit_draw d JOIN unit_pack p ON p.tenant_id = d.tenant_id AND p.id = d.pack_id
     WHERE d.tenant_id = :tenant AND d.invoice_id = :invoice
     GROUP BY p.id, p.name, p.meter, p.units, p.priority, p.last_month HAVING sum(d.quantity) <> 0
     ORDER BY p.priority, p.last_month NULLS LAST, p.id
""")
