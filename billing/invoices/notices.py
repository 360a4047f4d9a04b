"""Notifications of a client's members about steps of an invoice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.permissions import BillingPermission
from foundation.marks import N_
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.notify import notify

INVOICE_SENT: Final = NotificationKind(
    code="invoice.sent",
    label=N_("An invoice was sent"),
    text=N_("Invoice {number_of_invoice} was sent"),
    many=N_("{number} invoices were sent"),
    severity=NoticeSeverity.INFO,
    permission=BillingPermission.READ_INVOICES,
    path="/invoices",
    staff=False,
)
INVOICE_OVERDUE: Final = NotificationKind(
    code="invoice.overdue",
    label=N_("An invoice is overdue"),
    text=N_("Invoice {number_of_invoice} was not paid by its due day"),
    many=N_("{number} invoices were not paid by their due day"),
    severity=NoticeSeverity.WARNING,
    permission=BillingPermission.READ_INVOICES,
    path="/invoices",
)
_BY_CAUSE: Final[Mapping[str, NotificationKind]] = {"sent": INVOICE_SENT, "due_day": INVOICE_OVERDUE}


def notify_step(session: AsyncSession, invoice_id: UUID, number: str | None, *, cause: str, now: datetime) -> None:
    """Notify about a retail invoice's step, in the client's scope, if its cause concerns people."""
    kind = _BY_CAUSE.get(cause)
    if kind is not None:
        path = f"{kind.path}/{invoice_id}"
        notify(session, kind, topic=kind.path, path=path, at=now, params={"number_of_invoice": number or ""})
