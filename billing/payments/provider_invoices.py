"""Rows of invoices at the payment provider, in the client's scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments.port import RemoteInvoice
from billing.payments.schemas import InvoiceCollection
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import MessageText, Sentence, StoredMessage, encode_text, params_of, to_message

_SHOWN = ", ".join(name for name in InvoiceCollection.__struct_fields__ if name != "is_current")
_TOLD = (
    "external_id", "status", "payment_url", "total_minor", "paid_minor", "paid_outside_minor", "credited_minor",
    "refunded_minor", "refunded_here_minor", "disputed_minor", "attempts",
)  # fmt: skip


RETURNED: Final = "returned"
"""In place of the provider's words: an accepted debit failed later."""


async def find_collection(session: AsyncSession, tenant_id: UUID, invoice_id: UUID) -> InvoiceCollection | None:
    """The invoice's collection for display. A fleet scope passes the client's id."""
    found = await session.execute(
        text(f"SELECT {_SHOWN}, problem FROM provider_invoice WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": tenant_id, "id": invoice_id},
    )
    row = found.mappings().one_or_none()
    if row is None:
        return None
    values = {name: value for name, value in row.items() if name != "problem"}
    values["answer"] = row["answer"] or problem_text(to_message(row["problem"]))
    return msgspec.convert(values, InvoiceCollection)


def problem_text(problem: StoredMessage | None) -> str:
    """An error's sentence in the reader's language; empty for none."""
    if problem is None:
        return ""
    sentence = msgspec.convert(problem.params["sentence"], Sentence)
    return current_localizer().fill(sentence.source, params_of(sentence))


async def find_row(session: AsyncSession, invoice_id: UUID) -> Row[Any] | None:
    found = await session.execute(
        text("SELECT * FROM provider_invoice WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    return found.one_or_none()


async def add_row(  # noqa: PLR0913 - one row
    session: AsyncSession, invoice_id: UUID, *, account_id: UUID, provider: str, settled_before: int,
    settled_notes: Sequence[UUID], now: datetime,
) -> None:  # fmt: skip
    """Insert the row before the first request, which fixes the amount that is settled outside the provider."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO provider_invoice (tenant_id, msp_id, invoice_id, account_id, provider, settled_before_minor,
                                          settled_notes, created_at)
            VALUES (:t, :m, :id, :account, :provider, :settled, :notes, :now)
            ON CONFLICT (tenant_id, invoice_id) DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": invoice_id, "account": account_id, "provider": provider,
            "settled": settled_before, "notes": list(settled_notes), "now": now,
        },
    )  # fmt: skip


async def write_remote(session: AsyncSession, invoice_id: UUID, remote: RemoteInvoice, *, now: datetime) -> None:
    """Store the provider's report. A payment address that is not http or https is left out."""
    values = {name: getattr(remote, name) for name in _TOLD}
    values["disputes"] = msgspec.json.encode(remote.disputes).decode()
    if not remote.payment_url.startswith(("https://", "http://")):
        values["payment_url"] = ""
    await session.execute(
        text(f"""
            UPDATE provider_invoice SET {", ".join(f"{name} = :{name}" for name in _TOLD)},
                   disputes = CAST(:disputes AS jsonb), read_at = :now
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {**values, "t": scope_of(session).tenant_id, "id": invoice_id, "now": now},
    )


async def write_failure(
    session: AsyncSession, invoice_id: UUID, failure: str, answer: str = "", problem: MessageText | None = None
) -> None:
    """Store a failure, which is shown until an attempt succeeds."""
    await session.execute(
        text("""
            UPDATE provider_invoice SET failure = :f, answer = :a, problem = CAST(:p AS jsonb)
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {
            "t": scope_of(session).tenant_id, "id": invoice_id, "f": failure, "a": answer[:500],
            "p": encode_text(problem),
        },
    )  # fmt: skip


async def clear_failure(session: AsyncSession, invoice_id: UUID, *, only: str = "") -> None:
    """Clear the failure after a success; with `only`, a failure of that code."""
    await session.execute(
        text("""
            UPDATE provider_invoice SET failure = '', answer = '', problem = NULL
             WHERE tenant_id = :t AND invoice_id = :id AND failure <> '' AND (:only = '' OR failure = :only)
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "only": only},
    )


async def write_charge(
    session: AsyncSession, invoice_id: UUID, failure: str, *, now: datetime, next_at: datetime | None
) -> None:
    """Store an attempt to charge; `failure`: the provider's reason of a decline, else empty."""
    await session.execute(
        text("""
            UPDATE provider_invoice
               SET charge_attempts = charge_attempts + 1, charge_failure = :f, charged_at = :now, next_charge_at = :next
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "f": failure[:500], "now": now, "next": next_at},
    )


async def write_return(session: AsyncSession, invoice_id: UUID, *, next_at: datetime | None) -> None:
    """Store the late failure of the last charge, which had been accepted."""
    await session.execute(
        text("""
            UPDATE provider_invoice SET charge_failure = :f, next_charge_at = :next
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "f": RETURNED, "next": next_at},
    )


async def drop_row(session: AsyncSession, invoice_id: UUID) -> None:
    """Delete the row before the invoice is pushed to another account."""
    await session.execute(
        text("DELETE FROM provider_invoice WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
