"""Automatic top-ups: a line of the draft that buys credit, and the grant once the invoice is paid."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.pricing.grants import wallet_auto_recharge
from billing.sides import Side
from billing.wallets.ledger import GrantedCredit, grant_credit, withdraw_bought
from billing.wallets.states import GrantKind
from canonical.money import stored_exponent
from foundation.database.engine import scope_of
from foundation.ids import NewId

CAUSE: Final = "top_up"


async def top_up_fees(session: AsyncSession, context: FeeContext, _: Sequence[ChargedLine]) -> Sequence[Fee]:
    """The line that buys credit, if the balance, with credit on unpaid earlier invoices, is below the client's
    threshold.

    At most one in a period. Credit counts until the period's last day, so that a draft does not change with the day.
    """
    if context.side is not Side.RETAIL:
        return []
    keys = {
        "tenant": context.client_id, "currency": context.currency, "start": context.period.start,
        "last": context.period.end.date(),
    }  # fmt: skip
    row = (await session.execute(_STANDING, keys)).one_or_none()
    if row is None:
        return []
    amount = wallet_auto_recharge(
        row.available + row.bought, below_minor=row.low_minor, top_up_minor=row.top_up_minor
    )  # fmt: skip
    if not amount:
        return []
    price = Decimal(amount) / Decimal(10) ** stored_exponent(context.currency)
    return [
        Fee(
            key=CAUSE, kind=LineKind.TOP_UP, name="", product="credit", unit_price=price,
            service_from=context.period.start, service_until=context.period.end, amount_minor=amount,
            cause={CAUSE: str(amount)},
        )
    ]  # fmt: skip


async def settle_top_up(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, invoice_id: UUID, currency: str, *, is_paid: bool, now: datetime, new_id: NewId
) -> None:
    """Make the credit granted for an invoice equal to its top-up lines, less their credits, while it is paid. The
    unused excess of a grant is withdrawn.
    """
    keys = {"tenant": scope_of(session).tenant_id, "invoice": invoice_id}
    row = (await session.execute(_BOUGHT, keys)).one()
    wanted = int(row.bought) if is_paid else 0
    if wanted > row.granted:
        grant = GrantedCredit(
            kind=GrantKind.TOP_UP, currency=currency, amount_minor=wanted - int(row.granted), reason="",
            invoice_id=invoice_id,
        )  # fmt: skip
        await grant_credit(session, grant, now=now, new_id=new_id)
    elif wanted < row.granted:
        await withdraw_bought(session, invoice_id, int(row.granted) - wanted, now=now, new_id=new_id)


async def bought_credit(session: AsyncSession, invoice_id: UUID) -> int:
    """Charges of an invoice for credit, less their credits, in minor units. In the client's scope."""
    keys = {"tenant": scope_of(session).tenant_id, "invoice": invoice_id}
    return int((await session.execute(_BOUGHT, keys)).one().bought)


_STANDING = text("""
    SELECT r.low_minor, r.top_up_minor,
           (SELECT coalesce(sum(g.left_minor), 0)::bigint FROM credit_grant g
             WHERE g.tenant_id = :tenant AND g.currency = r.currency
               AND (g.expires_on IS NULL OR g.expires_on >= :last)) AS available,
           (SELECT coalesce(sum(l.amount_minor), 0)::bigint FROM invoice_line l
              JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
             WHERE l.tenant_id = :tenant AND l.kind = 'top_up' AND i.currency = r.currency
               AND i.period_start < :start AND i.state NOT IN ('void', 'written_off', 'paid')
               AND NOT EXISTS (SELECT 1 FROM credit_grant g WHERE g.tenant_id = :tenant AND g.kind = 'top_up'
                                  AND g.invoice_id = l.invoice_id)) AS bought
      FROM credit_rule r WHERE r.tenant_id = :tenant AND r.currency = :currency AND r.top_up_minor > 0
""")
_BOUGHT = text("""
    SELECT (SELECT coalesce(sum(l.amount_minor - coalesce(
                     (SELECT sum((c.lines ->> l.id::text)::bigint) FROM credit_note c
                       WHERE c.tenant_id = :tenant AND c.invoice_id = :invoice), 0)), 0)::bigint
              FROM invoice_line l
             WHERE l.tenant_id = :tenant AND l.invoice_id = :invoice AND l.kind = 'top_up') AS bought,
           (SELECT coalesce(sum(t.amount_minor), 0)::bigint
              FROM credit_grant g JOIN credit_transaction t ON t.tenant_id = g.tenant_id AND t.grant_id = g.id
             WHERE g.tenant_id = :tenant AND g.invoice_id = :invoice AND g.kind = 'top_up'
               AND t.kind IN ('granted', 'withdrawn')) AS granted
""")
