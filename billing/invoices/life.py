"""History of a finalised invoice: payments, credit notes and steps; and overpaid balances of an account."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.schemas import CreditNoteView, InvoiceStepView, PaymentView
from billing.states import PaymentKind

_PAYMENTS: Final = text("""
    SELECT id, paid_on, amount_minor, kind, method, reference, recorded_at, recorded_by FROM invoice_payment
     WHERE tenant_id = :tenant AND invoice_id = :id ORDER BY paid_on, recorded_at, id
""")
_CREDITS: Final = text("""
    SELECT id, number, issued_on, net_minor, tax_minor, gross_minor, lines, refunds, reason, created_by
      FROM credit_note
     WHERE tenant_id = :tenant AND invoice_id = :id ORDER BY created_at, id
""")
_STEPS: Final = text("""
    SELECT at, actor, cause, state_after AS state, amount_minor, note FROM invoice_step
     WHERE tenant_id = :tenant AND invoice_id = :id ORDER BY id
""")


async def load_life(session: AsyncSession, tenant_id: UUID, invoice_id: UUID) -> dict[str, Any]:
    """`payments`, `credit_notes` and `steps` of the invoice, oldest first."""
    keys = {"tenant": tenant_id, "id": invoice_id}
    return {
        "payments": [_payment(row) for row in (await session.execute(_PAYMENTS, keys)).mappings()],
        "credit_notes": [CreditNoteView(**row) for row in (await session.execute(_CREDITS, keys)).mappings()],
        "steps": [InvoiceStepView(**row) for row in (await session.execute(_STEPS, keys)).mappings()],
    }


def _payment(row: Mapping[Any, Any]) -> PaymentView:
    return PaymentView(**{**row, "kind": PaymentKind.of(row["kind"])})


async def load_balances(session: AsyncSession, tenant_id: UUID) -> list[tuple[str, int]]:
    """(currency, minor units) paid by an account beyond the amounts due."""
    rows = await session.execute(
        text("""
            SELECT i.currency, sum(i.paid_minor + i.credited_minor - x.gross_minor)::bigint AS left_over
              FROM invoice i JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
             WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state <> 'void'
               AND i.paid_minor + i.credited_minor > x.gross_minor
             GROUP BY i.currency ORDER BY i.currency
        """),
        {"tenant": tenant_id},
    )
    return [(row.currency, row.left_over) for row in rows]
