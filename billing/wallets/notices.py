"""Notifications about a client's credit, and its daily review."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.permissions import BillingPermission
from billing.time_zone import load_today
from billing.wallets.ledger import available_credit, expire_credit
from foundation.database.engine import scope_of
from foundation.ids import NewId
from foundation.marks import N_
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.notify import notify

AHEAD: Final = timedelta(days=14)
"""Time before its last day at which members are notified of the expiry of credit."""
_PAGE: Final = "/balance"
CREDIT_LOW: Final = NotificationKind(
    code="credit.low",
    label=N_("The credit balance is low"),
    text=N_("The credit balance in {currency} is low"),
    many=N_("{number} times the credit balance was low"),
    severity=NoticeSeverity.WARNING,
    permission=BillingPermission.READ_INVOICES,
    path=_PAGE,
)
CREDIT_EXPIRES: Final = NotificationKind(
    code="credit.expires",
    label=N_("Credit expires soon"),
    text=N_("Credit in {currency} expires soon"),
    many=N_("{number} credits expire soon"),
    severity=NoticeSeverity.INFO,
    permission=BillingPermission.READ_INVOICES,
    path=_PAGE,
)


async def review_credit(session: AsyncSession, now: datetime, *, new_id: NewId) -> None:
    """Expire grants whose last day is over, and notify once of low balances and of credit that expires soon. In the
    client's scope, every day.
    """
    await expire_credit(session, now, new_id=new_id)
    today = await load_today(session, now)
    keys = {"tenant": scope_of(session).tenant_id, "now": now, "today": today, "until": today + AHEAD}
    for row in (await session.execute(_EXPIRING, keys)).all():
        notify(session, CREDIT_EXPIRES, topic=row.currency, path=_PAGE, at=now, params={"currency": row.currency})
    for row in (await session.execute(_RULES, keys)).all():
        is_low = await available_credit(session, row.currency, now) < row.low_minor
        if is_low and row.noticed_at is None:
            notify(session, CREDIT_LOW, topic=row.currency, path=_PAGE, at=now, params={"currency": row.currency})
        if is_low != (row.noticed_at is not None):
            await session.execute(_NOTICED, {**keys, "currency": row.currency, "at": now if is_low else None})


_EXPIRING = text("""
    UPDATE credit_grant SET noticed_at = :now
     WHERE tenant_id = :tenant AND left_minor > 0 AND noticed_at IS NULL AND expires_on BETWEEN :today AND :until
    RETURNING currency
""")
_RULES = text("SELECT currency, low_minor, noticed_at FROM credit_rule WHERE tenant_id = :tenant ORDER BY currency")
_NOTICED = text("UPDATE credit_rule SET noticed_at = :at WHERE tenant_id = :tenant AND currency = :currency")
