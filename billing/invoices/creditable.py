"""Amount left to credit of an invoice: its charges, less its credit notes and the credits of later invoices for the
same time.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.credited import load_time_credits
from billing.invoices.steps import Issued
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.marks import N_


async def find_creditable(
    session: AsyncSession, invoice: Issued, lines: Mapping[UUID, int], net_minor: int | None
) -> int:
    """The net amount to credit: that of the lines, or the one given, or all that is left.

    Raises:
        Conflict: less is left on the invoice, or on a line.
        InvalidInput: nothing would be credited.
    """
    keys = {"tenant": scope_of(session).tenant_id, "invoice": invoice.id}
    rows = (
        await session.execute(
            text("SELECT net_minor, lines FROM credit_note WHERE tenant_id = :tenant AND invoice_id = :invoice"), keys
        )
    ).all()
    given = await load_time_credits(session, keys["tenant"], invoice.id, invoice.currency)
    left = invoice.net_minor - sum(row.net_minor for row in rows) - sum(given.values())
    if lines:
        found = await session.execute(
            text("SELECT id, amount_minor FROM invoice_line WHERE tenant_id = :tenant AND invoice_id = :invoice"), keys
        )
        amounts = {row.id: row.amount_minor - given.get(row.id, 0) for row in found}
        for line_id, amount in lines.items():
            before = sum(int(row.lines.get(str(line_id), 0)) for row in rows)
            if line_id not in amounts or not 0 < amount <= amounts[line_id] - before:
                raise Conflict(N_("Less than that is left to credit on this line."))
    net = sum(lines.values()) if lines else left if net_minor is None else net_minor
    if left <= 0 or net > left:
        raise Conflict(N_("Less than that is left to credit on this invoice."))
    if net <= 0:
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="amount")
    return net
