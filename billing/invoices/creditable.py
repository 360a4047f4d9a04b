"""Amount left to credit of an invoice: its charges, less its credit notes and the credits of later invoices for the
same time.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.credited import covered_lines, load_lines, load_time_credits
from billing.coupons.fees import without_credits
from billing.fees import ChargedLine
from billing.invoices.steps import Issued
from billing.line_kinds import LineKind
from billing.pricing.discounts import Weight, allocate
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
        charged = charged_by_line(await load_lines(session, keys["tenant"], invoice.id))
        amounts = {line_id: amount - given.get(line_id, 0) for line_id, amount in charged.items()}
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


def charged_by_line(lines: Sequence[ChargedLine]) -> Mapping[UUID, int]:
    """The part of each line that the invoice charges after its own discounts and credits: credit for unused time
    reduces the charge for that time, others their product, then all lines.
    """
    left = {line.id: line.amount_minor for line in lines}
    for credit in lines:
        if credit.kind is not LineKind.PRORATION_CREDIT:
            continue
        own = [line for line in covered_lines(lines, credit) if left[line.id] > 0]
        taken = min(-credit.amount_minor, sum(left[line.id] for line in own))
        shares = allocate(taken, [Weight(str(one.id), left[one.id]) for one in own], cap_to_items=True) if taken else {}
        for line in own:
            left[line.id] -= int(shares.get(str(line.id), 0))
    apart = {place for place, line in enumerate(lines) if line.kind is LineKind.PRORATION_CREDIT}
    rest = [msgspec.structs.replace(line, amount_minor=left[line.id]) for line in lines]
    return {line.id: amount for line, amount in zip(lines, without_credits(rest, apart=apart), strict=True)}
