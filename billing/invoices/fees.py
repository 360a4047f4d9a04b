"""Lines of a draft that are not usage, from the sources in their order."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.fees import discount_fees
from billing.fees import ChargedLine, Fee, FeeContext, FeeSource
from billing.line_kinds import LineKind
from billing.packs.fees import pack_fees
from billing.sla.fees import sla_fees
from billing.subscriptions.source import subscription_fees
from billing.wallets.fees import top_up_fees
from foundation.database.engine import scope_of

SOURCES: Final[Sequence[FeeSource]] = (pack_fees, subscription_fees, discount_fees, sla_fees, top_up_fees)
"""Packs and subscription fees, which count for commitments; then sources that depend on earlier lines: discounts,
service credits on the discounted fees, and top-ups, to which neither applies.
"""
_INSTANT: Final = timedelta(microseconds=1)


async def collect_fees(
    session: AsyncSession, context: FeeContext, sources: Sequence[FeeSource] = SOURCES
) -> Sequence[Fee]:
    """The draft's fees, after its usage lines that are charged already."""
    rows = await session.execute(_USAGE, {"tenant": context.client_id, "invoice": context.invoice_id})
    lines = [ChargedLine(row.id, LineKind.USAGE, row.meter, row.amount_minor, row.service_start) for row in rows]
    fees: list[Fee] = []
    for source in sources:
        found = await source(session, context, lines)
        fees += found
        lines += [
            ChargedLine(
                line_id_of(context.invoice_id, fee), fee.kind, fee.product, fee.amount_minor, fee.service_from,
                fee.service_until, fee.cause,
            )
            for fee in found
        ]  # fmt: skip
    return fees


def line_id_of(invoice_id: UUID, fee: Fee) -> UUID:
    return uuid5(invoice_id, f"{fee.kind} {fee.key}")


async def write_fees(session: AsyncSession, context: FeeContext, fees: Sequence[Fee]) -> None:
    """Make the draft's lines that are not usage equal to the fees; unchanged ones are not written."""
    keys = {"tenant": context.client_id, "invoice": context.invoice_id}
    wanted = {line_id_of(context.invoice_id, fee): _columns(context, fee) for fee in fees}
    known = {row["id"]: dict(row) for row in (await session.execute(_KNOWN, keys)).mappings()}
    gone = [line_id for line_id, row in known.items() if wanted.get(line_id) != row]
    if gone:
        await session.execute(_DROP, {**keys, "ids": gone})
    added = [row for line_id, row in wanted.items() if known.get(line_id) != row]
    if added:
        scope = {"tenant_id": context.client_id, "msp_id": scope_of(session).msp_id, "side": context.side.value}
        await session.execute(_INSERT, [
            {**scope, **row, "invoice_id": context.invoice_id, "cause": msgspec.json.encode(row["cause"]).decode()}
            for row in added
        ])  # fmt: skip


def _columns(context: FeeContext, fee: Fee) -> dict[str, Any]:
    return {
        "id": line_id_of(context.invoice_id, fee), "kind": fee.kind.value, "product": fee.product,
        "description": fee.name, "service_start": context.period.start, "unit_price": fee.unit_price,
        "quantity": fee.quantity, "amount_minor": fee.amount_minor, "first_at": fee.service_from,
        "last_at": fee.service_until - _INSTANT, "cause": dict(fee.cause),
    }  # fmt: skip


_USAGE = text("""
    SELECT id, meter, amount_minor, service_start FROM invoice_line
     WHERE tenant_id = :tenant AND invoice_id = :invoice AND kind = 'usage' ORDER BY meter, service_start, id
""")
_KNOWN = text("""
    SELECT id, kind, product, description, service_start, unit_price, quantity, amount_minor, first_at, last_at, cause
      FROM invoice_line WHERE tenant_id = :tenant AND invoice_id = :invoice AND kind <> 'usage'
""")
_DROP = text("DELETE FROM invoice_line WHERE tenant_id = :tenant AND invoice_id = :invoice AND id = ANY(:ids)")
_INSERT = text("""
    INSERT INTO invoice_line (tenant_id, msp_id, id, side, invoice_id, client_id, kind, meter, product, description,
                              service_start, unit_price, quantity, amount_minor, first_at, last_at, cause)
    VALUES (:tenant_id, :msp_id, :id, :side, :invoice_id, :tenant_id, :kind, '', :product, :description,
            :service_start, :unit_price, :quantity, :amount_minor, :first_at, :last_at, CAST(:cause AS jsonb))
""")
