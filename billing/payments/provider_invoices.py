"""Rows of invoices at the payment provider, in the client's scope."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments.port import RemoteInvoice
from billing.payments.schemas import InvoiceCollection
from foundation.database.engine import scope_of

_SHOWN = ", ".join(InvoiceCollection.__struct_fields__)
_TOLD = (
    "external_id", "status", "payment_url", "total_minor", "paid_minor", "paid_outside_minor", "credited_minor",
    "refunded_minor", "disputed_minor", "attempts",
)  # fmt: skip


async def find_collection(session: AsyncSession, tenant_id: UUID, invoice_id: UUID) -> InvoiceCollection | None:
    """What is shown of the invoice. Fleet scopes name the client."""
    found = await session.execute(
        text(f"SELECT {_SHOWN} FROM provider_invoice WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": tenant_id, "id": invoice_id},
    )
    row = found.mappings().one_or_none()
    return None if row is None else msgspec.convert(dict(row), InvoiceCollection)


async def find_row(session: AsyncSession, invoice_id: UUID) -> Row[Any] | None:
    found = await session.execute(
        text("SELECT * FROM provider_invoice WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    return found.one_or_none()


async def add_row(  # noqa: PLR0913 - one row
    session: AsyncSession, invoice_id: UUID, *, account_id: UUID, provider: str, settled_before: int, now: datetime
) -> None:
    """Before the first request: what is not collected there stays what it is now."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO provider_invoice (tenant_id, msp_id, invoice_id, account_id, provider, settled_before_minor,
                                          created_at)
            VALUES (:t, :m, :id, :account, :provider, :settled, :now) ON CONFLICT (tenant_id, invoice_id) DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": invoice_id, "account": account_id, "provider": provider,
            "settled": settled_before, "now": now,
        },
    )  # fmt: skip


async def write_remote(session: AsyncSession, invoice_id: UUID, remote: RemoteInvoice, *, now: datetime) -> None:
    """What the provider told. An address that is not one for browsers is left out."""
    values = {name: getattr(remote, name) for name in _TOLD}
    if not remote.payment_url.startswith(("https://", "http://")):
        values["payment_url"] = ""
    await session.execute(
        text(f"""
            UPDATE provider_invoice SET {", ".join(f"{name} = :{name}" for name in _TOLD)}, failure = '', answer = '',
                   read_at = :now
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {**values, "t": scope_of(session).tenant_id, "id": invoice_id, "now": now},
    )


async def write_failure(session: AsyncSession, invoice_id: UUID, failure: str, answer: str) -> None:
    await session.execute(
        text("UPDATE provider_invoice SET failure = :f, answer = :a WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "f": failure, "a": answer[:500]},
    )
